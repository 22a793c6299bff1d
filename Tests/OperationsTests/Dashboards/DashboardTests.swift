import Foundation
import TestSupport
import Testing

@Suite("The dashboards", .timeLimit(.minutes(2)))
struct DashboardTests {
    @Test("Panels have ids of their own, room, and a data source that is provisioned")
    func layout() throws {
        let dashboards = try Dashboard.all()
        #expect(Set(dashboards.map(\.uid)).count == 2)
        let sources = try Repository.text("docker/grafana/provisioning/datasources/datasources.yml")
        for board in dashboards {
            #expect(Set(board.panels.map(\.id)).count == board.panels.count)
            var taken: Set<[Int]> = []
            for panel in board.panels {
                let place = panel.gridPos
                #expect(place.x >= 0 && place.x + place.w <= 24 && place.w > 0 && place.h > 0, "\(panel.title)")
                for x in place.x..<(place.x + place.w) {
                    for y in place.y..<(place.y + place.h) {
                        #expect(taken.insert([x, y]).inserted, "\(panel.title) covers another panel")
                    }
                }
                let targets = panel.targets ?? []
                #expect(targets.isEmpty == (panel.type == "row"), "\(panel.title)")
                #expect(Set(targets.map(\.refId)).count == targets.count, "\(panel.title)")
                for target in targets {
                    #expect(target.datasource == panel.datasource, "\(panel.title)")
                    #expect((target.expr != nil) == (target.datasource.type == "prometheus"), "\(panel.title)")
                }
            }
            let asked =
                board.panels.compactMap(\.datasource) + board.annotations.list.map(\.datasource)
                + board.templating.list.compactMap(\.datasource)
            for source in Set(asked) {
                #expect(
                    sources.contains("uid: \(source.uid)\n    type: \(source.type)\n"), "\(source) is not provisioned")
            }
        }
    }

    /// How a statement is sent, and to what.
    enum Setup: CaseIterable {
        case hypertable, hypertableWithTimeBucket, plainTable
    }

    @Test(
        "Every statement runs against the services' tables and returns what its panel draws", arguments: Setup.allCases)
    func statements(_ setup: Setup) async throws {
        let database = try await PipelineDatabase(isHypertable: setup != .plainTable)
        for board in try Dashboard.all() {
            let values = Dictionary(
                uniqueKeysWithValues: board.templating.list.map { ($0.name, $0.current.value) })
            let macros = SQLMacros(variables: values, usesTimeBucket: setup == .hypertableWithTimeBucket)
            for variable in board.templating.list where variable.type == "query" {
                let answer = try await database.answer(to: variable.query)
                #expect(answer.rows.contains([variable.current.value]), "\(variable.name): \(answer.rows)")
            }
            for annotation in board.annotations.list {
                let answer = try await database.answer(to: macros.expand(annotation.target.rawSql ?? ""))
                #expect(answer.columns.map(\.name) == ["time", "timeend", "text", "tags"])
                #expect(answer.rows.map { $0[2] } == ["disconnect"])
            }
            for panel in board.panels {
                for target in panel.targets ?? [] {
                    guard let statement = target.rawSql else { continue }
                    try expectDrawable(try await database.answer(to: macros.expand(statement)), target, panel)
                }
            }
        }
    }

    private func expectDrawable(
        _ answer: PipelineDatabase.Answer, _ target: Dashboard.Target, _ panel: Dashboard.Panel
    ) throws {
        #expect(!answer.rows.isEmpty, "\(panel.title) is empty")
        let names = answer.columns.map(\.name)
        #expect(Set(names).count == names.count, "\(panel.title): \(names)")
        if target.format == "time_series" || ["timeseries", "candlestick", "state-timeline"].contains(panel.type) {
            let time = try #require(answer.columns.first { $0.name == "time" }, "\(panel.title) has no time")
            // A number counts as seconds since 1970.
            #expect(SQLType.times.contains(time.type) || SQLType.numbers.contains(time.type), "\(panel.title)")
            let times = answer.rows.map { $0[names.firstIndex(of: "time") ?? 0] ?? "" }
            #expect(!times.contains(""), "\(panel.title)")
            #expect(times == times.sorted(), "\(panel.title): times have to ascend")
        }
        let others = answer.columns.filter { $0.name != "time" }
        switch panel.type {
        case "timeseries":
            #expect(!others.isEmpty && others.allSatisfy { SQLType.numbers.contains($0.type) }, "\(panel.title)")
        case "candlestick":
            #expect(Set((panel.options?.fields ?? [:]).values) == Set(others.map(\.name)), "\(panel.title)")
            #expect(others.allSatisfy { SQLType.numbers.contains($0.type) }, "\(panel.title)")
        case "stat":
            let pattern = try #require(panel.options?.reduceOptions?.fields.split(separator: "/").first)
            let shown = try others.filter { $0.name.wholeMatch(of: try Regex(String(pattern))) != nil }
            #expect(shown.count == 1 && SQLType.numbers.contains(shown[0].type), "\(panel.title): \(names)")
        case "state-timeline", "table":
            #expect(!others.isEmpty)
        default: Issue.record("\(panel.title) is a \(panel.type), of which this test knows nothing")
        }
    }

    @Test("The hour in which volume is missing is told from the others")
    func completeness() async throws {
        let database = try await PipelineDatabase(isHypertable: true)
        let board = try #require(try Dashboard.all().first { $0.uid == "ticker-market" })
        let panel = try #require(board.panels.first { $0.type == "state-timeline" })
        let macros = SQLMacros(variables: ["code": "BTC", "candle": "5m"], usesTimeBucket: false)
        let answer = try await database.answer(to: macros.expand(panel.targets?.first?.rawSql ?? ""))
        #expect(answer.columns.map(\.name) == ["time", "BTC"])
        #expect(answer.rows.map { $0[1] } == ["proven", "proven", "proven", "incomplete", "proven", "not known"])
    }

    @Test("Prometheus understands every expression")
    func expressions() async throws {
        let expressions = try Dashboard.all().flatMap(\.expressions)
        #expect(expressions.count > 40)
        let rules = expressions.enumerated().map { number, expression in
            let text = expression.replacing("$__rate_interval", with: "1m").replacing("'", with: "''")
            return "      - {record: 'expression:\(number)', expr: '\(text)'}"
        }
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "groups:\n  - name: dashboards\n    rules:\n" + rules.joined(separator: "\n") + "\n", to: "rules.yml")
        let check = try await Promtool.run(["check", "rules", file])
        #expect(check.isSuccess && check.output.contains("\(expressions.count) rules found"), "\(check.output)")
    }
}

/// Object ids of the server's types.
private enum SQLType {
    /// `timestamp` and `timestamptz`.
    static let times: Set<UInt32> = [1114, 1184]
    /// `bigint`, `integer`, `double precision` and `numeric`.
    static let numbers: Set<UInt32> = [20, 23, 701, 1700]
}
