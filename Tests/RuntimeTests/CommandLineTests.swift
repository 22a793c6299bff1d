import TestSupport
import Testing

@Suite("The command line of every service")
struct CommandLineTests {
    private struct Run {
        let exit: ChildProcess.Exit
        let output: String
        let errors: String
    }

    private func run(
        _ service: String, _ arguments: [String], _ environment: [String: String] = [:]
    ) async throws -> Run {
        let folder = try TemporaryFolder()
        let child = try ChildProcess(
            try BuiltProduct.path(service), arguments, environment: environment, folder: folder.path)
        defer { child.kill() }
        let exit = try await child.exitStatus(within: .seconds(60))
        try await child.output.closed(within: .seconds(60), "the output")
        try await child.errors.closed(within: .seconds(60), "the errors")
        return Run(
            exit: exit, output: child.output.elements.joined(separator: "\n"),
            errors: child.errors.elements.joined(separator: "\n"))
    }

    @Test("--print-config shows each setting and where it comes from, and runs nothing", arguments: services)
    func printConfig(_ service: String) async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("LOG_LEVEL=debug\n", to: "settings")
        let run = try await run(service, ["--print-config", "--env-file", file], ["KAFKA_TOPIC": "other"])
        #expect(run.exit == .code(0) && run.errors == "")
        #expect(run.output.contains("KAFKA_TOPIC=other  # environment"))
        #expect(run.output.contains("LOG_LEVEL=debug  # file \(file)"))
    }

    @Test("--print-config works with malformed settings, tells each of them, and ends with 78", arguments: services)
    func printMistakes(_ service: String) async throws {
        let run = try await run(service, ["--print-config"], ["KAFKA_TOPIC": "a b", "LOG_LEVEL": "loud"])
        #expect(run.exit == .code(78))
        #expect(run.output.contains(#"KAFKA_TOPIC="a b"  # environment"#))
        #expect(run.output.contains("LOG_LEVEL=loud  # environment"))
        #expect(run.errors.contains("error: KAFKA_TOPIC: 'a b' is not "))
        #expect(run.errors.contains("error: LOG_LEVEL: 'loud' is not "))
    }

    @Test("check tells each malformed setting in a line, and ends with 78", arguments: services)
    func checkMistakes(_ service: String) async throws {
        let run = try await run(service, ["check"], ["KAFKA_TOPIC": "a b", "LOG_LEVEL": "loud"])
        #expect(run.exit == .code(78) && run.errors == "")
        #expect(run.output.contains("FAILED  settings: KAFKA_TOPIC: 'a b' is not "))
        #expect(run.output.contains("FAILED  settings: LOG_LEVEL: 'loud' is not "))
    }

    @Test(
        "Running is what it does without a subcommand: a malformed setting ends it with one line", arguments: services)
    func run(_ service: String) async throws {
        let run = try await run(service, [], ["LOG_LEVEL": "loud"])
        #expect(run.exit == .code(78) && run.output == "")
        #expect(run.errors.hasPrefix("error: LOG_LEVEL: 'loud' is not ") && !run.errors.contains("\n"))
    }

    @Test("An unknown subcommand or option is a usage error", arguments: services)
    func usage(_ service: String) async throws {
        #expect(try await run(service, ["chekc"]).exit == .code(64))
        #expect(try await run(service, ["check", "--hurry"]).exit == .code(64))
    }
}

private let services = ["producer", "consumer", "loader"]
