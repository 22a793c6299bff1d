package import ArgumentParser

/// `producer check` and its like: says what works and what does not, and changes nothing.
package struct CheckCommand<Settings: ServiceSettings>: AsyncParsableCommand {
    package static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "check",
            abstract: "Says what the \(Settings.service) can work with and what not, and changes nothing.")
    }

    @OptionGroup var options: ServiceOptions

    package init() {}

    package func run() async throws {
        try await exiting {
            let environment = try Environment.current(file: options.envFile)
            let mistakes = Settings.mistakes(in: environment)
            for mistake in mistakes { print("FAILED  settings: \(mistake)") }
            guard mistakes.isEmpty else { throw ExitCode(ExitStatus.configuration) }
            print("ok      settings")
        }
    }
}
