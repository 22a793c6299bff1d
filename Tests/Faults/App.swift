import ArgumentParser

@main
struct Faults: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Drives the real services through faults from a seed, and proves that nothing is lost or doubled.",
        subcommands: [RoundCommand.self, OutageCommand.self, FuzzCommand.self], defaultSubcommand: RoundCommand.self)
}
