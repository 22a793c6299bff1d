import ArgumentParser

@main
struct Benchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measures the services, each figure beside its limit from the same run and the same data.",
        discussion: """
            Machines are noisy: the ratios mean something, the absolute figures little. Build in release \
            mode; everything runs on this machine, so the stand-ins compete with the services for its cores.
            """,
        subcommands: [
            RunCommand.self, SoakCommand.self,
            // Processes of the benchmarks' own.
            BrokerCommand.self, BareReceiveCommand.self, BareProduceCommand.self, SinkCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}
