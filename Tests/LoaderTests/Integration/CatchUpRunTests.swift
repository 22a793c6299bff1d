import Foundation
import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("Runs without arguments", .timeLimit(.minutes(5)))
struct CatchUpRunTests {
    private let first = LoadRig.hour
    /// Four hours; the last is the previous hour of the run.
    private var hours: Range<ClockHour> { first..<first.advanced(by: 4) }

    private func trades(_ rig: LoadRig, _ counts: Int...) async throws {
        for (index, count) in counts.enumerated() where count > 0 {
            try await rig.addTrades(count, to: first.advanced(by: index))
        }
    }

    private func sourceRows(_ rig: LoadRig) async throws -> [String] {
        var rows: [String] = []
        for hour in hours { rows += try await rig.sourceRows(hour) }
        return rows.sorted()
    }

    private func attempts(_ rig: LoadRig) async throws -> [String] {
        try await rig.query("SELECT to_char(hour, 'HH24'), rows, attempts FROM warehouse_loads ORDER BY hour")
    }

    @Test("Hours that earlier runs missed are loaded, empty ones are not, the previous hour always is")
    func missed() async throws {
        try await LoadRig.with { rig in
            try await trades(rig, 10, 0, 20, 0)
            try await rig.addTrades(5, to: first.advanced(by: -1))
            try await rig.addTrades(5, to: hours.upperBound)
            try await rig.catchUp(hours)
            #expect(try await attempts(rig) == ["05|14|1", "07|24|1", "08|0|1"])
            #expect(try await rig.finalRows() == sourceRows(rig))
        }
    }

    @Test("Late rows are published again with their hour, and nothing is asked about the hours that stayed")
    func lateRows() async throws {
        try await LoadRig.with { rig in
            try await trades(rig, 10, 10, 10, 10)
            try await rig.catchUp(hours)
            try await rig.addTrades(7, to: first.next)
            let (queries, jobs) = (rig.requests(.query), rig.requests(.createJob))
            try await rig.catchUp(hours)
            #expect(try await attempts(rig) == ["05|14|1", "06|25|2", "07|14|1", "08|14|1"])
            #expect(try await rig.finalRows() == sourceRows(rig))
            // Of the changed hour what was staged, and of the previous one what is published.
            #expect(rig.requests(.query) - queries == 2 && rig.requests(.createJob) - jobs == 1)
        }
    }

    @Test("A digit that changed is enough")
    func changedDigit() async throws {
        try await LoadRig.with { rig in
            try await trades(rig, 10, 0, 0, 1)
            try await rig.catchUp(hours)
            try await rig.execute("UPDATE trade_data SET trade_price = trade_price + 1e-9 WHERE code = 'C7'")
            try await rig.catchUp(hours)
            #expect(try await attempts(rig) == ["05|14|2", "08|5|1"])
            #expect(try await rig.finalRows() == sourceRows(rig))
        }
    }

    @Test("A load that another run did not finish is finished, and an early one is repeated once it is closed")
    func unfinished() async throws {
        try await LoadRig.with { rig in
            try await trades(rig, 10, 10, 10, 0)
            try await rig.catchUp(hours)
            try await rig.execute(
                """
                UPDATE warehouse_loads SET state = 'staging', rows = NULL WHERE hour = '\(first.start)';
                UPDATE warehouse_loads SET provisional = true WHERE hour = '\(first.next.start)'
                """)
            try await rig.catchUp(hours)
            #expect(try await attempts(rig) == ["05|14|2", "06|14|2", "07|14|1", "08|0|1"])
            #expect(try await rig.query("SELECT DISTINCT state, provisional FROM warehouse_loads") == ["published|f"])
        }
    }

    @Test("A provisional hour that is still open stays as it is until rows come")
    func stillOpen() async throws {
        try await LoadRig.with { rig in
            rig.variables["LOADER_CLOSE_TIMEOUT"] = "0s"
            try await rig.addProgressTable()
            try await trades(rig, 10, 10, 0, 0)
            try await rig.catchUp(hours)
            try await rig.addTrades(1, to: first.next)
            try await rig.catchUp(hours)
            #expect(try await attempts(rig) == ["05|14|1", "06|19|2", "08|0|2"])
        }
    }

    @Test("Rows that cannot be loaded do not make an hour look changed, whoever refused them")
    func rejectedRows() async throws {
        try await LoadRig.with { rig in
            rig.variables["LOADER_CONCURRENCY"] = "1"
            try await trades(rig, 10, 0, 0, 1)
            try await rig.execute("INSERT INTO trade_data VALUES ('2026-01-01T05:10:00Z', 'B', 'NaN', 1)")
            rig.fake.inject(.rows([3], reason: "invalid"), on: .insertAll)
            #expect(try await rig.catchUp(hours) == 2)
            #expect(try await rig.catchUp(hours) == 0)
            #expect(try await attempts(rig) == ["05|13|1", "08|5|1"])
        }
    }

    @Test("An hour that lost rows in the source is refused and does not stop the others; the run ends with 70")
    func shrunkHour() async throws {
        try await LoadRig.with { rig in
            try await trades(rig, 10, 10, 10, 10)
            try await rig.catchUp(hours)
            try await rig.execute("DELETE FROM trade_data WHERE time < '\(first.next.start)' AND code = 'C7'")
            try await rig.addTrades(3, to: first.advanced(by: 2))
            let error = await #expect(throws: LoadError.self) { try await rig.catchUp(hours) }
            #expect(error?.status == ExitStatus.software)
            #expect(error?.description.contains("holds 14 rows of 2026-01-01T05") == true)
            #expect(try await attempts(rig) == ["05|14|1", "06|14|1", "07|21|2", "08|14|1"])
        }
    }

    @Test("When BigQuery is away the run ends at once, and the next one does all of it")
    func outage() async throws {
        try await LoadRig.with { rig in
            try await trades(rig, 10, 10, 10, 10)
            _ = try await rig.load(first.advanced(by: 9))
            rig.fake.inject(.unavailable, on: .insertAll)
            await #expect(throws: BigQueryError.self) { try await rig.catchUp(hours, limits: LoadRig.withoutRetries) }
            #expect(rig.requests(.insertAll) == 1)
            try await rig.catchUp(hours)
            #expect(try await rig.finalRows() == sourceRows(rig))
        }
    }

    @Test("The program without arguments loads what the last two days lack, and then says that nothing changed")
    func program() async throws {
        try await LoadRig.with { rig in
            let current = ClockHour(containing: .now)
            for hours in [40, 3, 60] { try await rig.addTrades(10, to: current.advanced(by: -hours)) }
            for expected in [[-40, -3], []] {
                let loader = try ChildProcess(BuiltProduct.path("loader"), [], environment: rig.variables)
                #expect(try await loader.exitStatus(within: .seconds(60)) == .code(0))
                try await loader.output.closed(within: .seconds(60), "the end of the output")
                let published = loader.output.elements.filter { $0.contains("14 rows") }
                #expect(published.count == expected.count)
                for (line, hours) in zip(published, expected) {
                    #expect(line.hasPrefix("\(current.advanced(by: hours))  14 rows  0 rejected  published"))
                }
                let unchanged = loader.output.elements.filter { $0.hasSuffix("2 hours unchanged") }
                #expect(unchanged.count == (expected.isEmpty ? 1 : 0))
            }
        }
    }
}
