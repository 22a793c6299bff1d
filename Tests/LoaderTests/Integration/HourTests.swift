import Market
import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("Hours in the warehouse", .timeLimit(.minutes(5)))
struct HourTests {
    @Test("An hour arrives exactly: every row, every digit, its first and its last millisecond, no neighbour")
    func exact() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(1_203)
            try await rig.execute(
                """
                INSERT INTO trade_data VALUES
                    (timestamptz '2026-01-01T05:00:00Z' - interval '1 ms', 'BEFORE', 1, 1),
                    ('2026-01-01T06:00:00Z', 'AFTER', 1, 1)
                """)
            let report = try await rig.load()
            #expect(report == HourReport(hour: LoadRig.hour, outcome: .published, rows: 1_207, rejectedRows: 0))
            #expect(try await rig.finalRows() == rig.sourceRows())

            let sums = try await rig.query(
                """
                SELECT sum(trade_price), sum(trade_volume) FROM trade_data
                WHERE time >= '2026-01-01T05:00:00Z' AND time < '2026-01-01T06:00:00Z'
                """)
            let price = try #require(try await rig.fake.sum("upbit", "trade_data", "trade_price"))
            let volume = try #require(try await rig.fake.sum("upbit", "trade_data", "trade_volume"))
            let sent = try sums[0].split(separator: "|").map { try Numeric(String($0)) }
            #expect(sent == [try Numeric(price), try Numeric(volume)])
            #expect(try await rig.ledger() == ["2026-01-01 05:00:00+00|published|1207|0|1"])
            #expect(rig.requests(.insertAll) == 13)
        }
    }

    @Test("Five reruns send nothing and change nothing")
    func reruns() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(250)
            _ = try await rig.load()
            let rows = try await rig.finalRows()
            let inserts = rig.requests(.insertAll)
            for _ in 0..<5 {
                let report = try await rig.load()
                #expect(report.outcome == .unchanged && report.rows == 254)
            }
            #expect(try await rig.finalRows() == rows)
            #expect(rig.requests(.insertAll) == inserts && rig.requests(.createJob) == 1)
            #expect(try await rig.ledger() == ["2026-01-01 05:00:00+00|published|254|0|1"])
        }
    }

    @Test("Rows that come late are published with the whole hour, and the neighbours stay")
    func lateRows() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(20)
            try await rig.addTrades(10, to: LoadRig.hour.next)
            _ = try await rig.load()
            _ = try await rig.load(LoadRig.hour.next)
            try await rig.addTrades(30)
            #expect(try await rig.load().outcome == .published)
            #expect(try await rig.finalRows() == (rig.sourceRows() + rig.sourceRows(LoadRig.hour.next)).sorted())
            #expect(
                try await rig.ledger() == [
                    "2026-01-01 05:00:00+00|published|58|0|2", "2026-01-01 06:00:00+00|published|14|0|1",
                ])
        }
    }

    @Test("A digit that changes in the source is noticed, although the count is the same")
    func changedDigit() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(20)
            _ = try await rig.load()
            try await rig.execute("UPDATE trade_data SET trade_volume = trade_volume + 1e-9 WHERE code = 'FIRST'")
            #expect(try await rig.load().outcome == .published)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("An empty hour is published as empty, and one that became empty is emptied when that is asked for")
    func emptyHour() async throws {
        try await LoadRig.with { rig in
            #expect(try await rig.load().rows == 0)
            #expect(try await rig.ledger() == ["2026-01-01 05:00:00+00|published|0|0|1"])
            #expect(try await rig.load().outcome == .unchanged)

            try await rig.addTrades(5)
            #expect(try await rig.load().rows == 9)
            try await rig.execute("DELETE FROM trade_data")
            #expect(try await rig.load(replacing: true).rows == 0)
            #expect(try await rig.finalRows() == [])
            #expect(try await rig.ledger() == ["2026-01-01 05:00:00+00|published|0|0|3"])
            #expect(try await rig.load().outcome == .unchanged)
        }
    }

    @Test("Rows that NUMERIC cannot hold are kept with their reasons, and the rest of the hour is loaded")
    func rejectedRows() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(150)
            let expected = try await rig.sourceRows()
            try await rig.execute(
                """
                INSERT INTO trade_data VALUES
                    ('2026-01-01T05:10:00Z', 'A', 1.0123456789, 1), ('2026-01-01T05:10:00Z', 'B', 'NaN', 1),
                    ('2026-01-01T05:10:00Z', 'C', 1, NULL), ('2026-01-01T05:59:59.999Z', 'D', 1e29, 1)
                """)
            for outcome in [HourReport.Outcome.published, .unchanged] {
                let report = try await rig.load()
                #expect(report == HourReport(hour: LoadRig.hour, outcome: outcome, rows: 154, rejectedRows: 4))
                #expect(failure(of: .success(report.rejectedRows), signal: nil)?.status == 65)
            }
            #expect(try await rig.finalRows() == expected)
            #expect(
                try await rig.query("SELECT code, price, volume, reason FROM warehouse_rejects ORDER BY code") == [
                    "A|1.0123456789|1|trade_price has more than 9 decimals", "B|NaN|1|trade_price is not a number",
                    "C|1|NULL|trade_volume is null",
                    "D|100000000000000000000000000000|1|trade_price has more than 29 integer digits",
                ])

            try await rig.execute("UPDATE trade_data SET trade_price = 1.012345678 WHERE code = 'A'")
            #expect(try await rig.load().rejectedRows == 3)
            #expect(try await rig.query("SELECT count(*) FROM warehouse_rejects") == ["3"])
        }
    }

    @Test("An hour with sums beyond NUMERIC is loaded and compared by its count")
    func sumsBeyondNumeric() async throws {
        try await LoadRig.with { rig in
            try await rig.execute(
                "INSERT INTO trade_data SELECT '2026-01-01T05:00:00Z', 'X', 9e28, 1 FROM generate_series(1, 3)")
            #expect(try await rig.load().rows == 3)
            #expect(try await rig.load().outcome == .unchanged)
        }
    }

    @Test("The server does not cut off a reader that pauses because BigQuery is slow")
    func pausedReader() async throws {
        try await LoadRig.with { rig in
            // The row is the reader's own session: the server tells what its socket is set to.
            try await rig.execute(
                """
                DROP TABLE trade_data;
                CREATE VIEW trade_data AS SELECT timestamptz '\(LoadRig.hour.start)' AS time,
                    current_setting('tcp_user_timeout') AS code, 1::numeric AS trade_price, 1::numeric AS trade_volume
                """)
            #expect(try await rig.load().rows == 1)
            #expect(try await rig.finalRows().map { $0.prefix(2) } == ["0|"])
        }
    }

    @Test("Columns of another program that are double precision are loaded with the digits of their text, once")
    func doublePrecision() async throws {
        try await LoadRig.with { rig in
            try await rig.execute(
                """
                ALTER TABLE trade_data ALTER trade_price TYPE double precision, ALTER trade_volume TYPE double precision;
                INSERT INTO trade_data VALUES ('2026-01-01T05:10:00Z', 'A', 0.1, 1e-9),
                    ('2026-01-01T05:10:00Z', 'B', 10355647827.38891, 2), ('2026-01-01T05:10:00Z', 'C', 'NaN', 1)
                """)
            let report = try await rig.load()
            #expect(report.rows == 2 && report.rejectedRows == 1)
            #expect(
                try await rig.finalRows().map { $0.split(separator: "|")[2...].joined(separator: "|") }
                    == ["0.1|0.000000001", "10355647827.38891|2"])
            #expect(try await rig.load().outcome == .unchanged)
        }
    }

    @Test("Without a source table the hour fails and says so")
    func noSource() async throws {
        try await LoadRig.with { rig in
            try await rig.execute("DROP TABLE trade_data")
            let error = await rig.failure()
            #expect(error.map { "\($0)".contains("trade_data") && "\($0)".contains("TIMESCALEDB_DBNAME") } == true)
        }
    }
}
