import Foundation
import TestSupport
import Testing

@testable import Loader

@Suite("Runs without arguments, after a long time", .timeLimit(.minutes(5)))
struct OlderHoursRunTests {
    private let first = LoadRig.hour
    /// What the run looks back on: everything of these tests is older, but for its last hour.
    private var lookback: Range<ClockHour> { hour(100)..<hour(104) }

    private func hour(_ offset: Int) -> ClockHour { first.advanced(by: offset) }

    private func loaded(_ rig: LoadRig) async throws -> [String] {
        try await rig.query(
            """
            SELECT extract(epoch FROM hour - '\(first.start)')::bigint / 3600, rows, attempts FROM warehouse_loads
            WHERE hour < '\(lookback.lowerBound.start)' ORDER BY hour
            """)
    }

    @Test("Hours that passed while the loader was away for longer than its lookback are loaded, empty ones are not")
    func away() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            _ = try await rig.load()
            for offset in [1, 30, 99] { try await rig.addTrades(20, to: hour(offset)) }
            try await rig.catchUp(lookback)
            #expect(try await loaded(rig) == ["0|14|1", "1|24|1", "30|24|1", "99|24|1"])
            let jobs = rig.requests(.createJob)
            try await rig.catchUp(lookback)
            #expect(rig.requests(.createJob) == jobs)
        }
    }

    @Test("Hours that nobody loaded are loaded however new the ledger's newest hour is, also when rows come later")
    func between() async throws {
        try await LoadRig.with { rig in
            _ = try await rig.load()
            _ = try await rig.load(hour(102))
            try await rig.addTrades(20, to: hour(30))
            try await rig.catchUp(lookback)
            #expect(try await loaded(rig) == ["0|0|1", "30|24|1"])
            // As when the consumer still had to come to them.
            for offset in [1, 29, 31, 99] { try await rig.addTrades(10, to: hour(offset)) }
            try await rig.catchUp(lookback)
            #expect(try await loaded(rig) == ["0|0|1", "1|14|1", "29|14|1", "30|24|1", "31|14|1", "99|14|1"])
            let jobs = rig.requests(.createJob)
            try await rig.catchUp(lookback)
            #expect(rig.requests(.createJob) == jobs)
        }
    }

    @Test("What another table's ledger has is missing here all the same")
    func otherTable() async throws {
        try await LoadRig.with { rig in
            var other = rig
            other.dataset = "other"
            for offset in [0, 50] { _ = try await rig.load(hour(offset)) }
            try await rig.addTrades(10, to: hour(70))
            _ = try await other.load(hour(70))
            try await rig.catchUp(lookback)
            #expect(
                try await rig.ledgerOfTable().contains("\(hour(70).start.prefix(10)) 03:00:00+00|published|14|0"))
            #expect(try await other.ledgerOfTable().count == 1)
        }
    }

    @Test("An hour that stayed provisional or unfinished for longer than the lookback is loaded for good")
    func unfinished() async throws {
        try await LoadRig.with { rig in
            for offset in 0..<3 {
                try await rig.addTrades(10, to: hour(offset))
                _ = try await rig.load(hour(offset))
            }
            try await rig.execute(
                """
                UPDATE warehouse_loads SET provisional = true WHERE hour = '\(first.start)';
                UPDATE warehouse_loads SET state = 'staging', rows = NULL WHERE hour = '\(hour(1).start)'
                """)
            try await rig.addTrades(10)
            try await rig.catchUp(lookback)
            #expect(try await loaded(rig) == ["0|28|2", "1|14|2", "2|14|1"])
            #expect(try await rig.query("SELECT DISTINCT state, provisional FROM warehouse_loads") == ["published|f"])
        }
    }

    @Test("A provisional hour that retention took away fails no run: the warehouse keeps it")
    func dropped() async throws {
        try await LoadRig.with { rig in
            for offset in 0..<2 {
                try await rig.addTrades(10, to: hour(offset))
                _ = try await rig.load(hour(offset))
            }
            try await rig.execute(
                """
                UPDATE warehouse_loads SET provisional = true WHERE hour = '\(first.start)';
                DELETE FROM trade_data WHERE time < '\(hour(1).start)'
                """)
            let rows = try await rig.finalRows()
            try await rig.catchUp(lookback)
            #expect(try await rig.finalRows() == rows)
            #expect(try await loaded(rig) == ["0|14|1", "1|14|1"])
        }
    }

    @Test("The first run on old data says which command loads it, and nothing more once it was run")
    func firstRun() async throws {
        try await LoadRig.with { rig in
            let current = ClockHour(containing: .now)
            let oldest = current.advanced(by: -60)
            try await rig.addTrades(10, to: oldest)
            let range = ["--from", "\(oldest)", "--to", "\(current.advanced(by: -48))"]
            for (arguments, isTold) in [([], true), (range, false), ([], false)] {
                let loader = try ChildProcess(BuiltProduct.path("loader"), arguments, environment: rig.variables)
                #expect(try await loader.exitStatus(within: .seconds(60)) == .code(0))
                try await loader.errors.closed(within: .seconds(60), "the end of the errors")
                // An hour may have ended meanwhile.
                let ends = [current, ClockHour(containing: .now)].map { $0.advanced(by: -48) }
                let told = loader.errors.elements.filter { line in
                    ends.contains { line.contains("loader --from \(oldest) --to \($0)") }
                }
                #expect(told.count == (isTold ? 1 : 0))
            }
        }
    }
}
