import ArgumentParser

@main
struct Sandbox: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "The whole pipeline on one machine, with real parts and stand-ins for what cannot be had.",
        subcommands: [DemoCommand.self, KafkaCommand.self], defaultSubcommand: DemoCommand.self)
}
