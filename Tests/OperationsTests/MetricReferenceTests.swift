import Foundation
import Testing

@Suite("Metrics that are named outside of the code")
struct MetricReferenceTests {
    @Test("Rules, their tests, dashboards and the runbook name only what the services tell")
    func names() throws {
        let declared = try Self.declared()
        #expect(declared.count > 40)
        for file in try Self.files() {
            for name in Set(try Self.names(in: Repository.text(file))) {
                #expect(declared[name] != nil, "\(file): no service has \(name)")
            }
        }
    }

    @Test("Of what is counted rules and dashboards ask the rate or the increase, of other numbers never")
    func kinds() throws {
        let declared = try Self.declared()
        let expressions = try AlertRule.all().map(\.expression) + Dashboard.all().flatMap(\.expressions)
        for expression in expressions {
            let counted = expression.matches(of: /(?:rate|increase)\(([a-z_]+)/).map { String($0.1) }
            for name in Self.names(in: expression) {
                #expect((declared[name] == "counter") == counted.contains(name), "\(name) in \(expression)")
            }
        }
    }

    private static func files() throws -> [String] {
        let folders = [AlertRule.folder, "docker/prometheus/tests", Dashboard.folder]
        return try folders.flatMap { folder in try Repository.files(in: folder).map { "\(folder)/\($0)" } }
            + ["docs/runbook.md"]
    }

    private static func names(in text: String) -> [String] {
        text.matches(of: /\b(?:ticker|process)_[a-z_]+/).map { String($0.0) }
    }

    /// The kinds of all metrics by their names, from the page that other tests compare with the code. A histogram
    /// counts by three names.
    private static func declared() throws -> [String: String] {
        let rows = try Repository.text("docs/metrics.md").matches(of: /\n\| `([a-z_]+)[^`]*` \| ([a-z]+) \|/)
        return rows.reduce(into: [:]) { kinds, row in
            let (name, kind) = (String(row.1), String(row.2))
            guard kind == "histogram" else { return kinds[name] = kind }
            for part in ["bucket", "sum", "count"] { kinds["\(name)_\(part)"] = "counter" }
        }
    }
}
