package import ArgumentParser

/// `producer check` and its like: says what works and what does not, and changes nothing.
package struct CheckCommand<Settings: ServiceSettings>: AsyncParsableCommand {
    package static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "check",
            abstract: "Says what the \(Settings.service) can work with and what not, and changes nothing.",
            discussion: """
                Reads every setting, connects to everything that they name, and prints a line for each: ok, \
                FAILED with what to do next, or note for what the \(Settings.service) gets by with. It may run \
                beside a \(Settings.service) that is at work, and before one that is not: in a unit as \
                ExecStartPre=\(Settings.service) check --allow-unavailable.

                EXIT CODES
                  0 it can work   69 something is away, which may pass by itself
                  78 settings, rights or a table that a person has to mend
                """)
    }

    @OptionGroup var file: SettingsFile

    @Option(help: "Seconds after which what has not answered counts as away.")
    var timeout = 10

    @Flag(help: "End with 0 also when something is away: the service would wait for it.")
    var allowUnavailable = false

    package init() {}

    package func validate() throws {
        guard (1...300).contains(timeout) else { throw ValidationError("--timeout is from 1 to 300 seconds") }
    }

    package func run() async throws {
        try await exiting(Settings.service, file) { environment in
            let findings = await findings(environment)
            for finding in findings { print(finding.line) }
            let status = exitStatus(of: findings, toleratingOutage: allowUnavailable)
            if status != 0 { throw ExitCode(status) }
        }
    }

    private func findings(_ environment: Environment) async -> [Finding] {
        let mistakes = Settings.mistakes(in: environment)
        guard mistakes.isEmpty, let settings = try? Settings(in: environment) else {
            return mistakes.map { .misconfigured("settings", "\($0)") }
        }
        let given = Settings.descriptions.filter { environment[$0.name] != nil }.count
        let summary = Finding.works("settings", "\(given) given; \(Settings.service) --print-config shows all")
        return [summary] + (await Check.all(settings.checks(), within: .seconds(timeout)))
    }
}
