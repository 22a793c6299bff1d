import Foundation
import TestSupport
import Testing

@testable import Loader

@Suite("What an hour is known to miss", .timeLimit(.minutes(5)))
struct KnownGapsTests {
    private let hours = LoadRig.hour..<LoadRig.hour.advanced(by: 2)

    /// The parts of the consumer's tables that the loader reads.
    private func addTables(_ rig: LoadRig) async throws {
        try await rig.execute(
            """
            CREATE TABLE gaps (producer text, started_at timestamptz, ended_at timestamptz, reason text,
                PRIMARY KEY (producer, started_at));
            CREATE TABLE completeness (code text, hour timestamptz, complete boolean)
            """)
    }

    private func known(_ rig: LoadRig) async throws -> [String] {
        try await rig.query("SELECT gap_seconds, incomplete_markets FROM warehouse_loads ORDER BY hour")
    }

    @Test("Gaps are cut to the hour and united, markets that certainly miss volume are counted")
    func measured() async throws {
        try await LoadRig.with { rig in
            try await addTables(rig)
            try await rig.execute(
                """
                INSERT INTO gaps VALUES ('a', '2026-01-01T04:59:00Z', '2026-01-01T05:00:10Z', 'restart'),
                    ('a', '2026-01-01T05:10:00Z', '2026-01-01T05:10:20Z', 'stall'),
                    ('b', '2026-01-01T05:10:10Z', '2026-01-01T05:10:30.5Z', 'stall'),
                    ('a', '2026-01-01T05:59:59Z', '2026-01-01T06:00:02Z', 'disconnect');
                INSERT INTO completeness VALUES ('BTC', '2026-01-01T05:00:00Z', false),
                    ('ETH', '2026-01-01T05:00:00Z', NULL), ('XRP', '2026-01-01T05:00:00Z', true)
                """)
            try await rig.addTrades(10)
            try await rig.catchUp(hours)
            #expect(try await known(rig) == ["42|1", "2|0"])
        }
    }

    @Test("What is told after the hour was loaded is noted by the next run, which loads nothing for it")
    func toldLater() async throws {
        try await LoadRig.with { rig in
            try await addTables(rig)
            try await rig.addTrades(10)
            try await rig.catchUp(hours)
            #expect(try await known(rig) == ["0|0", "0|0"])
            try await rig.execute(
                "INSERT INTO gaps VALUES ('a', '2026-01-01T05:10:00Z', '2026-01-01T05:10:20Z', 'stall')")
            try await rig.catchUp(hours)
            #expect(try await known(rig) == ["20|0", "0|0"])
            #expect(rig.requests(.createJob) == 2)
        }
    }

    @Test("A gap that began before the lookback is noted with all of its hours, also when an hour failed")
    func longGap() async throws {
        try await LoadRig.with { rig in
            try await addTables(rig)
            let first = LoadRig.hour.advanced(by: -2)
            for hour in first..<hours.upperBound { try await rig.addTrades(10, to: hour) }
            try await rig.catchUp(first..<hours.upperBound)
            try await rig.execute(
                """
                INSERT INTO gaps VALUES ('a', '2026-01-01T03:59:00Z', '2026-01-01T05:00:10Z', 'restart');
                DELETE FROM trade_data WHERE code = 'C7' AND time >= '\(hours.lowerBound.start)'
                """)
            await #expect(throws: LoadError.self) { try await rig.catchUp(hours) }
            #expect(try await known(rig) == ["60|0", "3600|0", "10|0", "0|0"])
        }
    }

    @Test("A ledger of an older version gets the columns")
    func olderLedger() async throws {
        try await LoadRig.with { rig in
            _ = try await rig.load()
            try await rig.execute("ALTER TABLE warehouse_loads DROP COLUMN gap_seconds, DROP COLUMN incomplete_markets")
            try await addTables(rig)
            try await rig.catchUp(hours)
            #expect(try await known(rig) == ["0|0", "0|0"])
        }
    }

    @Test("Without the consumer's tables, or with ones that cannot be read, nothing is known and hours are loaded")
    func unknown() async throws {
        try await LoadRig.with { rig in
            try await rig.catchUp(hours)
            #expect(try await known(rig) == ["NULL|NULL"])
            try await rig.execute("CREATE TABLE gaps (other text); CREATE TABLE completeness (other text)")
            try await rig.addTrades(10)
            try await rig.catchUp(hours)
            #expect(try await known(rig) == ["NULL|NULL", "NULL|NULL"])
        }
    }
}
