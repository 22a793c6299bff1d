import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("Hours of which the source has dropped rows", .timeLimit(.minutes(5)))
struct ShrunkHourTests {
    @Test("A published hour stays when the source holds fewer rows, until it is to be replaced")
    func fewerRows() async throws {
        try await LoadRig.with { rig in
            let published = try await rig.publish(50)
            try await rig.execute("DELETE FROM trade_data WHERE time < '2026-01-01T05:00:11Z'")
            let left = try await rig.sourceRows()

            let error = try #require(await rig.failure() as? LoadError)
            for part in ["2026-01-01T05", "holds 54 rows", "only \(left.count)", "Retention", "--replace"] {
                #expect(error.description.contains(part), "\(error)")
            }
            #expect(failure(of: .failure(error), signal: nil)?.status == ExitStatus.software)
            #expect(try await rig.finalRows() == published)
            #expect(try await rig.ledger() == ["2026-01-01 05:00:00+00|published|54|0|1"])
            #expect(rig.requests(.createJob) == 1)

            #expect(try await rig.load(replacing: true).rows == left.count)
            #expect(try await rig.finalRows() == left)
            #expect(try await rig.load().outcome == .unchanged)
        }
    }

    @Test("Rows that were rejected count: one that was mended or made unfit is no loss, one that is gone is")
    func rejectedRows() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            try await rig.execute("UPDATE trade_data SET trade_price = 'NaN' WHERE code = 'FIRST'")
            #expect(try await rig.load().rejectedRows == 1)
            try await rig.execute("UPDATE trade_data SET trade_price = 'NaN' WHERE code = 'LAST'")
            #expect(try await rig.load().rows == 12)
            try await rig.execute("UPDATE trade_data SET trade_price = 1 WHERE code = 'LAST'")
            #expect(try await rig.load().rows == 13)
            try await rig.execute("DELETE FROM trade_data WHERE code = 'FIRST'")
            #expect(await rig.failure() is LoadError)
        }
    }

    @Test("Rows that are dropped between counting and reading do not get lost, either")
    func droppedWhileLoading() async throws {
        try await LoadRig.with { rig in
            let published = try await rig.publish(50)
            try await rig.addTrades(50)
            // The ledger is written after the rows are counted and before the first is read.
            try await rig.execute(
                """
                CREATE FUNCTION drop_chunk() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN DELETE FROM trade_data; RETURN NEW; END';
                CREATE TRIGGER retention BEFORE INSERT ON warehouse_loads FOR EACH ROW EXECUTE FUNCTION drop_chunk()
                """)
            let error = try #require(await rig.failure() as? LoadError)
            #expect(error.description.contains("holds 54 rows") && error.description.contains("only 0"))
            #expect(try await rig.finalRows() == published)
            #expect(rig.requests(.createJob) == 1)
        }
    }

    /// What the ledger says of the hour when it does not say `published`.
    enum Memory: CaseIterable { case nothing, staging, lostJob }

    @Test("Without a ledger that knows the hour, the final table's own rows are counted", arguments: Memory.allCases)
    func unknownHour(memory: Memory) async throws {
        try await LoadRig.with { rig in
            let published = try await rig.publish(50)
            switch memory {
            case .nothing: try await rig.execute("DROP TABLE warehouse_loads, warehouse_rejects")
            case .staging:
                try await rig.execute("UPDATE warehouse_loads SET state = 'staging', job_id = NULL, rows = NULL")
            case .lostJob: try await rig.execute("UPDATE warehouse_loads SET state = 'publishing', job_id = 'lost'")
            }
            try await rig.execute("DELETE FROM trade_data")
            let error = try #require(await rig.failure() as? LoadError)
            #expect(error.description.contains("holds 54 rows") && error.description.contains("only 0"))
            #expect(try await rig.finalRows() == published)

            // The next hour is nobody's yet, and empty: nothing is lost by publishing that.
            #expect(try await rig.load(LoadRig.hour.next).rows == 0)
            #expect(try await rig.load(replacing: true).rows == 0)
            #expect(try await rig.finalRows() == [])
        }
    }
}
