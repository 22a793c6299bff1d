import Testing

@testable import Loader

@Suite("SQL for BigQuery")
struct StatementsTests {
    private let target = BigQuery.Target(
        endpoint: "", project: "p", dataset: "d", table: "t", location: "US", partitioning: "HOUR")
    private let load = Load(
        hour: ClockHour(number: 490_901), id: "the-load", startedAt: "2026-01-01T07:00:00Z")

    @Test("An hour is replaced by one statement, over a half-open range")
    func merge() {
        let statement = target.publish(load)
        #expect(
            statement.text == """
                MERGE `p.d.t` AS T USING (SELECT DISTINCT ordinal, time, code, trade_price, trade_volume \
                FROM `p.d.t_staging` WHERE loaded_at = @loaded_at AND load_id = @load_id) AS S ON FALSE \
                WHEN NOT MATCHED BY TARGET THEN INSERT (time, code, trade_price, trade_volume) \
                VALUES (S.time, S.code, S.trade_price, S.trade_volume) \
                WHEN NOT MATCHED BY SOURCE AND T.time >= @from AND T.time < @to THEN DELETE
                """)
        #expect(
            statement.parameters == [
                .timestamp("loaded_at", "2026-01-01T07:00:00Z"), .string("load_id", "the-load"),
                .timestamp("from", "2026-01-01T05:00:00Z"), .timestamp("to", "2026-01-01T06:00:00Z"),
            ])
    }

    @Test("What uses up a job's id changes nothing, and cannot succeed")
    func fence() {
        #expect(Statement.failing.text.hasPrefix("SELECT ERROR('"))
        #expect(Statement.failing.parameters.isEmpty)
    }

    @Test("Sums are asked for only where they fit into NUMERIC")
    func sums() {
        #expect(target.stagedTotals(of: load, withSums: true).text.contains("SUM(trade_price)"))
        #expect(!target.stagedTotals(of: load, withSums: false).text.contains("SUM"))
        #expect(!target.publishedTotals(of: load.hour, withSums: false).text.contains("SUM"))
    }

    @Test("Values reach the SQL as parameters only")
    func parameters() {
        for statement in [
            target.publish(load), target.stagedTotals(of: load, withSums: true),
            target.publishedTotals(of: load.hour, withSums: true),
        ] {
            #expect(!statement.text.contains("2026") && !statement.text.contains("the-load"))
        }
    }

    @Test("No two loads have the same id, and ids fit into a job's name")
    func ids() {
        let ids = Set((0..<100).map { _ in Load(hour: load.hour).id })
        #expect(ids.count == 100)
        for id in ids { #expect(id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) }
        #expect(load.jobID(attempt: 2) == "loader-the-load-2")
    }
}
