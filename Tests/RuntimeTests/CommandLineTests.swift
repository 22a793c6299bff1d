import TestSupport
import Testing

@Suite("The command line of every service")
struct CommandLineTests {
    @Test("--print-config shows each setting and where it comes from, and runs nothing", arguments: services)
    func printConfig(_ service: String) async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("LOG_LEVEL=debug\n", to: "settings")
        let run = try await FinishedProcess.run(
            service, ["--print-config", "--env-file", file], environment: ["KAFKA_TOPIC": "other"])
        #expect(run.exit == .code(0) && run.errors == [])
        #expect(run.output.contains("KAFKA_TOPIC=other  # environment"))
        #expect(run.output.contains("LOG_LEVEL=debug  # file \(file)"))
    }

    @Test("--print-config works with malformed settings, tells each of them, and ends with 78", arguments: services)
    func printMistakes(_ service: String) async throws {
        let run = try await FinishedProcess.run(
            service, ["--print-config"], environment: ["KAFKA_TOPIC": "a b", "LOG_LEVEL": "loud"])
        #expect(run.exit == .code(78))
        #expect(run.output.contains(#"KAFKA_TOPIC="a b"  # environment"#))
        #expect(run.output.contains("LOG_LEVEL=loud  # environment"))
        #expect(run.errors.contains { $0.hasPrefix("error: KAFKA_TOPIC: 'a b' is not ") })
        #expect(run.errors.contains { $0.hasPrefix("error: LOG_LEVEL: 'loud' is not ") })
    }

    @Test("check tells each malformed setting in a line, and ends with 78", arguments: services)
    func checkMistakes(_ service: String) async throws {
        let run = try await FinishedProcess.run(
            service, ["check"], environment: ["KAFKA_TOPIC": "a b", "LOG_LEVEL": "loud"])
        #expect(run.exit == .code(78) && run.errors == [])
        #expect(run.line("FAILED  settings: KAFKA_TOPIC: 'a b' is not ") != nil)
        #expect(run.line("FAILED  settings: LOG_LEVEL: 'loud' is not ") != nil)
    }

    @Test(
        "Running is what it does without a subcommand: a malformed setting ends it with one line", arguments: services)
    func run(_ service: String) async throws {
        let run = try await FinishedProcess.run(service, [], environment: ["LOG_LEVEL": "loud"])
        #expect(run.exit == .code(78) && run.output == [])
        #expect(run.errors.count == 1 && run.errors.first?.hasPrefix("error: LOG_LEVEL: 'loud' is not ") == true)
    }

    @Test("An unknown subcommand or option is a usage error", arguments: services)
    func usage(_ service: String) async throws {
        #expect(try await FinishedProcess.run(service, ["chekc"]).exit == .code(64))
        #expect(try await FinishedProcess.run(service, ["check", "--hurry"]).exit == .code(64))
    }
}

private let services = ["producer", "consumer", "loader"]
