import ArgumentParser
import Runtime

@main
struct Consumer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consumer",
        abstract: "Writes ticker records from Kafka to a TimescaleDB hypertable, each exactly once.",
        discussion: """
            Rows, dead letters and offsets go into one transaction. It creates trade_data and its own tables \
            and views when they are missing, waits for a database or broker that is away, and stops on SIGTERM.

            Settings are environment variables, or lines of NAME=value in a file:

            \(settingsHelp(ConsumerSettings.descriptions))
            """,
        version: version, subcommands: [CheckCommand<ConsumerSettings>.self])

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        try await options.run(ConsumerSettings.self) { settings, logger in
            try await runUntilSignal(try consumerService(settings, logger), logger: logger)
        }
    }
}
