import ArgumentParser
import Glibc
import Runtime

@main
struct Producer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "producer",
        abstract: "Reads ticker frames from Upbit's WebSocket and publishes them, byte for byte, to Kafka.",
        discussion: """
            Every frame becomes one record: key = market, value = the frame's own bytes, headers \
            producer, seq and received. Frames that Kafka does not have yet wait in a spool on disk. \
            It reconnects for ever and stops on SIGTERM.

            Settings are environment variables, or lines of NAME=value in a file:

            \(settingsHelp(ProducerSettings.descriptions))
            """,
        version: version, subcommands: [CheckCommand<ProducerSettings>.self])

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        // The resolver blocks the socket's thread. By default a name server that does not answer is
        // waited for 5 s, twice; then the network may be back for long.
        setenv("RES_OPTIONS", "timeout:1 attempts:2", 0)
        try await options.run(ProducerSettings.self) { settings, logger in
            try await runUntilSignal(try producerService(settings, logger), logger: logger)
        }
    }
}
