import ArgumentParser
import FoundationEssentials
package import Logging

/// Where settings are beside the environment.
struct SettingsFile: ParsableArguments {
    @Option(name: .long, help: "A file with settings; the environment wins over it. Without it .env, if there is one.")
    var envFile: String?

    func environment() throws(ConfigurationError) -> Environment { try Environment.current(file: envFile) }
}

/// The options of every service's root command.
package struct ServiceOptions: ParsableArguments {
    @OptionGroup var file: SettingsFile

    @Flag(name: .long, help: "Print every setting, its value and where it comes from, and end. Secrets are masked.")
    var printConfig = false

    package init() {}

    /// Runs a service with what it was told, and ends the process with the exit code of what `body` throws.
    package func run<Settings: ServiceSettings>(
        _ type: Settings.Type, _ body: (Settings, Logger) async throws -> Void
    ) async throws {
        try await exiting(Settings.service, file) { environment in
            if printConfig { return try printConfiguration(type, environment) }
            try await body(try Settings(in: environment), try makeLogger(Settings.service, environment))
        }
    }
}

/// Prints what is in force, and says what is wrong with it.
private func printConfiguration<Settings: ServiceSettings>(_: Settings.Type, _ environment: Environment) throws {
    for line in effectiveSettings(Settings.descriptions, in: environment) { print(line) }
    let mistakes = Settings.mistakes(in: environment)
    guard !mistakes.isEmpty else { return }
    for mistake in mistakes {
        write(
            toStandardError: LogFormat(environment).line(ofFailure: "\(mistake)", service: Settings.service, at: .now))
    }
    throw ExitCode(ExitStatus.configuration)
}
