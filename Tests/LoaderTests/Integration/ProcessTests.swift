import Foundation
import Glibc
import Logging
import TestSupport
import Testing

@testable import Loader

@Suite("The program", .timeLimit(.minutes(5)))
struct ProcessTests {
    private static let limit = Duration.seconds(60)

    private func start(_ rig: LoadRig, _ arguments: String...) throws -> ChildProcess {
        try ChildProcess(BuiltProduct.path("loader"), arguments, environment: rig.variables)
    }

    @Test("It prints a line an hour, and its exit code tells of rejected rows")
    func output() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            try await rig.addTrades(20, to: LoadRig.hour.next)
            try await rig.execute("INSERT INTO trade_data VALUES ('2026-01-01T06:30:00Z', 'A', NULL, 1)")
            let loader = try start(rig, "--from", "2026-01-01T05", "--to", "2026-01-01T07")
            #expect(try await loader.exitStatus(within: Self.limit) == .code(65))
            try await loader.output.closed(within: Self.limit, "the end of the output")
            let lines = loader.output.elements
            try #require(lines.count == 2)
            #expect(lines[0].hasPrefix("2026-01-01T05  14 rows  0 rejected  published  "))
            #expect(lines[1].hasPrefix("2026-01-01T06  24 rows  1 rejected  published  "))

            let again = try start(rig, "--hour", "2026-01-01T05:00:00Z")
            #expect(try await again.exitStatus(within: Self.limit) == .code(0))
        }
    }

    @Test("A wrong setting ends it with code 78 and one line")
    func wrongSetting() async throws {
        let loader = try ChildProcess(
            BuiltProduct.path("loader"), [], environment: ["TIMESCALEDB_PORT": "many", "HOME": "/nonexistent"])
        #expect(try await loader.exitStatus(within: Self.limit) == .code(78))
        try await loader.errors.closed(within: Self.limit, "the end of the errors")
        #expect(
            loader.errors.elements
                == ["error: TIMESCALEDB_PORT: 'many' is not a whole number from 1 to 65535"])
    }

    @Test(
        "Killed at any step, it goes on from there when it is run again",
        arguments: [Endpoint.createTable, .insertAll, .query, .createJob, .getJob])
    func killed(endpoint: Endpoint) async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(900)
            let loader = try start(rig, "--hour", LoadRig.hour.description)
            try await rig.request(endpoint)
            loader.kill()
            _ = try await loader.exitStatus(within: Self.limit)
            #expect(try await rig.load().rows == 904)
            #expect(try await rig.finalRows() == rig.sourceRows())
            #expect(try await rig.load().outcome == .unchanged)
        }
    }

    @Test("SIGTERM in an outage ends it, and the next run loads the hour")
    func terminated() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            rig.fake.inject(.unavailable, on: .insertAll, times: 10)
            let loader = try start(rig, "--hour", LoadRig.hour.description)
            try await rig.request(.insertAll)
            loader.send(SIGTERM)
            #expect(try await loader.exitStatus(within: .seconds(60)) == .code(128 + SIGTERM))
            #expect(try await rig.load().rows == 14)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("SIGTERM ends it also while the database keeps it waiting")
    func terminatedWhileBlocked() async throws {
        try await LoadRig.with { rig in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let table = "\(rig.fake.projectID).upbit.trade_data"
            let other = try await Ledger.open(rig.source, table: table, lockTimeout: .seconds(1), logger: logger)
            let loader = try start(rig, "--hour", LoadRig.hour.description)
            try await loader.errorLine(containing: "another loader is at work", within: Self.limit)
            loader.send(SIGTERM)
            #expect(try await loader.exitStatus(within: .seconds(60)) == .code(128 + SIGTERM))
            _ = try await other.entry(of: LoadRig.hour)
        }
    }

    @Test("A second SIGTERM ends it at once, whatever keeps it waiting")
    func secondSignal() async throws {
        try await LoadRig.with { rig in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let table = "\(rig.fake.projectID).upbit.trade_data"
            let other = try await Ledger.open(rig.source, table: table, lockTimeout: .seconds(1), logger: logger)
            let loader = try start(rig, "--hour", LoadRig.hour.description)
            try await loader.errorLine(containing: "another loader is at work", within: Self.limit)
            loader.send(SIGTERM)
            try await loader.errorLine(containing: "interrupted, leaving", within: Self.limit)
            loader.send(SIGTERM)
            #expect(try await loader.exitStatus(within: Self.limit) == .signal(SIGTERM))
            _ = try await other.entry(of: LoadRig.hour)
        }
    }

    @Test("SIGTERM at full load ends it within five seconds, and the next run publishes the hour exactly")
    func terminatedAtFullLoad() async throws {
        try await LoadRig.with { rig in
            rig.variables["LOADER_BATCH_ROWS"] = "50"
            try await rig.addTrades(20_000)
            let signalled = EventLog<Bool>()
            let loader = try start(rig, "--hour", LoadRig.hour.description)
            rig.fake.watch { moment in
                if moment.index == 100, moment.phase == .done {
                    loader.send(SIGTERM)
                    signalled.append(true)
                }
                // However fast the rows were, it is not done before it has heard of the signal.
                if moment.endpoint == .createJob { _ = try? await loader.exitStatus(within: Self.limit) }
            }
            _ = try await signalled.first(within: Self.limit, "a hundred requests") { $0 }
            #expect(try await loader.exitStatus(within: .seconds(5)) == .code(128 + SIGTERM))
            rig.fake.watch(nil)
            #expect(try await rig.load().rows == 20_004)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("While it waits for rows to be seen it says so once, and SIGTERM ends it")
    func terminatedWhileRowsAreNotSeen() async throws {
        var options = FakeBigQuery.Options()
        options.queriesUntilRowsAreSeen = 1_000
        try await LoadRig.with(options) { rig in
            try await rig.addTrades(10)
            let loader = try start(rig, "--hour", LoadRig.hour.description)
            try await loader.errorLine(containing: "does not show all staged rows yet", within: Self.limit)
            let queries = rig.fake.exchanges.count
            try await rig.request(.query, after: queries)
            loader.send(SIGTERM)
            #expect(try await loader.exitStatus(within: .seconds(5)) == .code(128 + SIGTERM))
            try await loader.errors.closed(within: Self.limit, "the end of the errors")
            #expect(loader.errors.elements.count { $0.contains("does not show all staged rows yet") } == 1)
        }
    }

    @Test("Of two programs at once, for one hour or for two, the second waits, and both hours are exact")
    func together() async throws {
        for (index, second) in [LoadRig.hour, LoadRig.hour.next].enumerated() {
            try await LoadRig.with { rig in
                try await rig.addTrades(300)
                try await rig.addTrades(200, to: LoadRig.hour.next)
                let loaders = try [LoadRig.hour, second].map { try start(rig, "--hour", $0.description) }
                for loader in loaders {
                    #expect(try await loader.exitStatus(within: Self.limit) == .code(0))
                    try await loader.output.closed(within: Self.limit, "the end of the output")
                }
                let lines = loaders.flatMap(\.output.elements)
                #expect(lines.count { $0.contains("published") } == 1 + index)
                #expect(lines.count { $0.contains("unchanged") } == 1 - index)
                let hours = Set([LoadRig.hour, second]).sorted()
                #expect(try await rig.query("SELECT attempts FROM warehouse_loads") == hours.map { _ in "1" })
                let final = try await rig.finalRowsByHour()
                for hour in hours { #expect(try await final[hour] == rig.sourceRows(hour)) }
            }
        }
    }

    @Test("A program that may not wait leaves another one alone, with code 69")
    func leaves() async throws {
        try await LoadRig.with { rig in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let table = "\(rig.fake.projectID).upbit.trade_data"
            let other = try await Ledger.open(rig.source, table: table, lockTimeout: .seconds(1), logger: logger)
            var rig = rig
            rig.variables["LOADER_LOCK_TIMEOUT"] = "1s"
            for hour in [LoadRig.hour, LoadRig.hour.next] {
                let loader = try start(rig, "--hour", hour.description)
                #expect(try await loader.exitStatus(within: Self.limit) == .code(69))
            }
            _ = try await other.entry(of: LoadRig.hour)
        }
    }
}
