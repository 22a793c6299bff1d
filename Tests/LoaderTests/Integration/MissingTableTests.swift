import Foundation
import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("A final table that is missing", .timeLimit(.minutes(5)))
struct MissingTableTests {
    private let first = LoadRig.hour

    private func hour(_ offset: Int) -> ClockHour { first.advanced(by: offset) }

    /// Loads hours with rows and one without, and drops the final table.
    private func loadAndDrop(_ rig: LoadRig) async throws {
        for offset in 0..<2 { try await rig.addTrades(10, to: hour(offset)) }
        _ = try await rig.load(first..<hour(3))
        try await rig.fake.drop("upbit", "trade_data")
    }

    private func rows(_ rig: LoadRig, _ hours: Range<Int>) async throws -> [String] {
        var rows: [String] = []
        for offset in hours { rows += try await rig.sourceRows(hour(offset)) }
        return rows.sorted()
    }

    @Test("It is made anew with all its hours, whether the run looks back on them or not", arguments: [3, 100])
    func madeAnew(hours: Int) async throws {
        try await LoadRig.with { rig in
            try await loadAndDrop(rig)
            try await rig.catchUp(hour(hours - 3)..<hour(hours))
            #expect(try await rig.finalRows() == rows(rig, 0..<2))
            let jobs = rig.requests(.createJob)
            try await rig.catchUp(hour(hours - 3)..<hour(hours))
            #expect(rig.requests(.createJob) == jobs)
        }
    }

    @Test("A run that loads one hour into it, or dies when it has made it, leaves the others to the next one")
    func laterRun() async throws {
        try await LoadRig.with { rig in
            try await loadAndDrop(rig)
            rig.fake.inject(.unavailableAfterDone, on: .createTable)
            #expect(await rig.failure(limits: LoadRig.withoutRetries) is BigQueryError)
            #expect(try await rig.load().rows == 14)
            try await rig.catchUp(hour(100)..<hour(104))
            #expect(try await rig.finalRows() == rows(rig, 0..<2))
        }
    }

    @Test("A run that may not make it changes nothing and says what to do: code 78")
    func notToBeMade() async throws {
        try await LoadRig.with { rig in
            try await loadAndDrop(rig)
            let ledger = try await rig.ledger()
            rig.variables["BIGQUERY_CREATE"] = "false"
            let error = try #require(await rig.failure())
            let failure = failure(of: .failure(error), signal: nil)
            #expect(failure?.status == ExitStatus.configuration)
            for part in ["trade_data", "is missing", "BIGQUERY_CREATE=true"] {
                #expect("\(error)".contains(part), "\(error)")
            }
            #expect(try await rig.ledger() == ledger)
            rig.variables["BIGQUERY_CREATE"] = "true"
            try await rig.catchUp(hour(100)..<hour(104))
            #expect(try await rig.finalRows() == rows(rig, 0..<2))
        }
    }

    @Test("With hours that the source does not have any more it is not made anew, until they are given up")
    func dropped() async throws {
        try await LoadRig.with { rig in
            try await loadAndDrop(rig)
            try await rig.execute("DELETE FROM trade_data WHERE time < '\(hour(1).start)'")
            let (tables, ledger) = (rig.requests(.createTable), try await rig.ledger())
            for _ in 0..<2 {
                let error = await #expect(throws: LoadError.self) { try await rig.catchUp(hour(100)..<hour(104)) }
                #expect(error.map { failure(of: .failure($0), signal: nil)?.status } == ExitStatus.configuration)
                for part in ["upbit.trade_data is missing", "1 hours from \(first) to \(first)", "loader --replace"] {
                    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
                }
            }
            #expect(rig.requests(.createTable) == tables)
            #expect(try await rig.ledger() == ledger)

            #expect(try await rig.load(hour(2), replacing: true).rows == 0)
            try await rig.catchUp(hour(100)..<hour(104))
            #expect(try await rig.finalRows() == rows(rig, 1..<2))
            #expect(
                try await rig.query("SELECT hour FROM warehouse_loads WHERE rows > 0") == ["2026-01-01 06:00:00+00"])
        }
    }

    /// What the source can lack of an hour although it has older rows.
    enum Loss: String, CaseIterable {
        case wholeHour = "time >= '2026-01-01T05:00:00Z' AND time < '2026-01-01T06:00:00Z'"
        case oneRow = "code = 'FIRST' AND time = '2026-01-01T06:00:00Z'"
        /// BigQuery never had it, so that nothing but the source did.
        case rejectedRow = "code = 'NAN'"
    }

    @Test(
        "Nor with hours of which the source has fewer rows than were read, however old its first row is",
        arguments: Loss.allCases)
    func thinned(loss: Loss) async throws {
        try await LoadRig.with { rig in
            try await rig.execute("INSERT INTO trade_data VALUES ('2026-01-01T06:30:00Z', 'NAN', 'NaN', 1)")
            try await loadAndDrop(rig)
            try await rig.execute(
                """
                INSERT INTO trade_data VALUES ('2025-12-31T23:00:00Z', 'OLD', 1, 1);
                DELETE FROM trade_data WHERE \(loss.rawValue)
                """)
            let (tables, ledger) = (rig.requests(.createTable), try await rig.ledger())
            let error = await #expect(throws: LoadError.self) { try await rig.catchUp(hour(0)..<hour(3)) }
            #expect(error?.status == ExitStatus.configuration)
            let lost = loss == .wholeHour ? first : hour(1)
            #expect(
                error?.description.contains("1 hours from \(lost) to \(lost)") == true, "\(error?.description ?? "")")
            #expect(rig.requests(.createTable) == tables)
            #expect(try await rig.ledger() == ledger)

            #expect(try await rig.load(hour(2), replacing: true).rows == 0)
            try await rig.catchUp(hour(100)..<hour(104))
            #expect(try await rig.finalRows() == rows(rig, 0..<2).filter { !$0.hasPrefix("NAN") })
        }
    }

    @Test("Rejected rows that the source still has, and rows that came later, are no loss")
    func rejectedAndLate() async throws {
        try await LoadRig.with { rig in
            try await rig.execute("INSERT INTO trade_data VALUES ('2026-01-01T06:30:00Z', 'NAN', 'NaN', 1)")
            try await loadAndDrop(rig)
            try await rig.addTrades(5, to: first)
            #expect(try await rig.catchUp(hour(0)..<hour(3)) == 1)
            #expect(try await rig.finalRows() == rows(rig, 0..<2).filter { !$0.hasPrefix("NAN") })
        }
    }

    @Test("Nor is it for a source without any row, as in a database that was made anew")
    func emptySource() async throws {
        try await LoadRig.with { rig in
            try await loadAndDrop(rig)
            try await rig.execute("DELETE FROM trade_data")
            #expect(await rig.failure() is LoadError)
        }
    }

    @Test("The log says once what is loaded again; another table's hours are left as they are")
    func told() async throws {
        try await LoadRig.with { rig in
            var other = rig
            other.dataset = "other"
            try await loadAndDrop(rig)
            _ = try await other.load(first)
            for isTold in [true, false] {
                let loader = try ChildProcess(BuiltProduct.path("loader"), [], environment: rig.variables)
                #expect(try await loader.exitStatus(within: .seconds(60)) == .code(0))
                try await loader.errors.closed(within: .seconds(60), "the end of the errors")
                let told = loader.errors.elements.filter { $0.contains("the final table is missing") }
                #expect(told.count == (isTold ? 1 : 0))
                #expect(loader.errors.elements.contains { $0.contains("counting what the source has") } == isTold)
                if isTold {
                    for part in ["hours=2", "first=\(first)", "last=\(first.next)"] {
                        #expect(told.first?.contains(part) == true)
                    }
                }
            }
            #expect(try await rig.finalRows() == rows(rig, 0..<2))
            #expect(try await other.ledgerOfTable() == ["2026-01-01 05:00:00+00|published|14|0"])
        }
    }
}
