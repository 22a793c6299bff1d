import Foundation
import Glibc
import TestSupport
import Testing

@testable import Loader

@Suite("loader --schedule", .timeLimit(.minutes(2)))
struct ScheduleProcessTests {
    private static let limit = Duration.seconds(60)

    private func start(_ rig: LoadRig) throws -> ChildProcess {
        try ChildProcess(BuiltProduct.path("loader"), ["--schedule"], environment: rig.variables)
    }

    @Test("At its start it makes up for what is missing, then waits; SIGTERM ends it within five seconds")
    func catchesUp() async throws {
        try await LoadRig.with { rig in
            rig.variables["LOADER_SCHEDULE_DELAY"] = "0s"
            let hour = ClockHour(containing: .now).advanced(by: -2)
            try await rig.addTrades(10, to: hour)
            let loader = try start(rig)
            defer { loader.kill() }
            let line = try await loader.output.first(within: Self.limit, "the hour's line") { $0.contains("published") }
            #expect(line.hasPrefix("\(hour)  14 rows  0 rejected  published"))
            try await loader.errorLine(containing: "waiting for the next hour", within: Self.limit)
            loader.send(SIGTERM)
            #expect(try await loader.exitStatus(within: .seconds(5)) == .code(0))
        }
    }

    @Test("Without a database it says so and goes on")
    func outage() async throws {
        try await LoadRig.with { rig in
            rig.variables["TIMESCALEDB_PORT"] = "\(try freePort())"
            let loader = try start(rig)
            defer { loader.kill() }
            try await loader.errorLine(containing: "a run failed, trying again later", within: Self.limit)
            try await loader.errorLine(containing: "waiting for the next hour", within: Self.limit)
            #expect(loader.isRunning)
            loader.send(SIGTERM)
            #expect(try await loader.exitStatus(within: .seconds(5)) == .code(0))
        }
    }

    @Test("SIGTERM inside of a run ends it within five seconds, too")
    func insideRun() async throws {
        try await LoadRig.with { rig in
            rig.variables["LOADER_SCHEDULE_DELAY"] = "0s"
            try await rig.addTrades(10, to: ClockHour(containing: .now).advanced(by: -2))
            rig.fake.inject(.unavailable, on: .insertAll, times: 1_000)
            let loader = try start(rig)
            defer { loader.kill() }
            try await rig.request(.insertAll)
            loader.send(SIGTERM)
            #expect(try await loader.exitStatus(within: .seconds(5)) == .code(0))
        }
    }
}
