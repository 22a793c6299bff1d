import Foundation
import TestSupport
import Testing

@Suite("The alerts", .timeLimit(.minutes(5)))
struct AlertTests {
    @Test("Prometheus takes the configuration and every rule that it names")
    func configuration() async throws {
        let check = try await Promtool.run(["check", "config", Repository.path("docker/prometheus/prometheus.yml")])
        #expect(check.isSuccess, "\(check.output)")
        for file in try Repository.files(in: AlertRule.folder) {
            #expect(check.output.contains("rules/\(file)"), "\(file) is not among the configuration's rule files")
        }
    }

    @Test("Each fires when it should and is silent when it should not")
    func behaviour() async throws {
        let files = try Repository.files(in: Self.tests)
        let run = try await Promtool.run(["test", "rules"] + files, in: Repository.path(Self.tests))
        #expect(run.isSuccess, "\(run.output)")
    }

    /// Tests that cannot fail prove nothing: of each alert one has to when the alert never fires, and one
    /// when it always does.
    @Test(
        "Their tests notice when one never fires, and when one always does",
        arguments: ["consumer", "loader", "process", "producer"])
    func mutations(_ group: String) async throws {
        let rules = try AlertRule.all().filter { $0.group == group }
        #expect(rules.count > 2)
        let tests = try Repository.text("\(Self.tests)/\(group).test.yml")
        for (expression, noticed) in [("vector(0) > 1", "fires"), ("vector(1)", "is silent")] {
            let folder = try TemporaryFolder()
            for part in ["rules", "tests"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder.path)/\(part)", withIntermediateDirectories: false)
            }
            let text = rules.reduce(try Repository.text("\(AlertRule.folder)/\(group).yml")) { text, rule in
                rule.replacingExpression(with: expression, in: text)
            }
            // An alert that waits would pass for silent in a short test.
            _ = try folder.write(text.replacing("        for: ", with: "        # "), to: "rules/\(group).yml")
            let file = try folder.write(tests, to: "tests/\(group).test.yml")
            let run = try await Promtool.run(["test", "rules", file])
            #expect(!run.isSuccess)
            for rule in rules {
                #expect(run.output.contains("name: \(rule.name) \(noticed)"), "\(expression): \(run.output)")
            }
        }
    }

    @Test("Each says how bad it is, what happened, what that means and where to read on")
    func annotations() throws {
        let rules = try AlertRule.all()
        #expect(rules.count > 20)
        #expect(Set(rules.map(\.name)).count == rules.count)
        for rule in rules {
            #expect(["critical", "warning"].contains(rule.severity ?? ""), "\(rule.name)")
            #expect(rule.summary?.contains("{{ ") == true, "\(rule.name): of which instance, and how much?")
            #expect((rule.description?.count ?? 0) > 20, "\(rule.name)")
            #expect(rule.runbook == "docs/runbook.md#\(rule.name.lowercased())", "\(rule.name)")
        }
    }

    @Test("The runbook has a section for each, and for no other")
    func runbook() throws {
        let sections = try Repository.text("docs/runbook.md").split(separator: "\n")
            .filter { $0.hasPrefix("### ") }.map { String($0.dropFirst(4)) }
        #expect(sections.sorted() == (try AlertRule.all().map(\.name).sorted()))
    }

    private static let tests = "docker/prometheus/tests"
}
