import Glibc
import TestSupport
import Testing

@testable import Loader

@Suite("Killed at every step", .timeLimit(.minutes(5)))
struct KilledTests {
    @Test(
        "Killed when any request of a load has arrived, or was carried out, the next run ends in the same state",
        arguments: RequestMoment.Phase.allCases)
    func everyRequest(phase: RequestMoment.Phase) async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(246)
            let sourceRows = try await rig.sourceRows()
            let requests = try await requestsOfOneLoad(&rig)
            try #require(requests >= 12)
            for index in 0..<requests {
                // Another dataset is another warehouse: its tables and its hours are yet to be made.
                rig.dataset = "killed_\(index)"
                let killer = Killer(index: index, phase: phase)
                rig.fake.watch { await killer.stepIn($0) }
                let loader = try ChildProcess(
                    BuiltProduct.path("loader"), ["--hour", LoadRig.hour.description], environment: rig.variables)
                killer.aim(at: loader)
                #expect(try await loader.exitStatus(within: .seconds(60)) == .signal(SIGKILL), "request \(index)")
                rig.fake.watch(nil)

                #expect(try await rig.load().rows == 250, "request \(index)")
                #expect(try await rig.finalRows() == sourceRows, "request \(index)")
                #expect(try await rig.ledgerOfTable() == ["2026-01-01 05:00:00+00|published|250|0"], "request \(index)")
                #expect(try await rig.load().outcome == .unchanged, "request \(index)")
            }
        }
    }

    @Test("Killed with any request on its way, the hour keeps what the next run published when that request comes")
    func everyLateRequest() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(246)
            let requests = try await requestsOfOneLoad(&rig)
            try #require(requests >= 12)
            for index in 0..<requests {
                rig.dataset = "late_\(index)"
                let killer = Killer(index: index, phase: .arrived, isLate: true)
                rig.fake.watch { await killer.stepIn($0) }
                let loader = try ChildProcess(
                    BuiltProduct.path("loader"), ["--hour", LoadRig.hour.description], environment: rig.variables)
                killer.aim(at: loader)
                #expect(try await loader.exitStatus(within: .seconds(60)) == .signal(SIGKILL), "request \(index)")
                rig.fake.watch(nil)

                try await rig.addTrades(1)
                #expect(try await rig.load().outcome == .published, "request \(index)")
                try await killer.release()
                #expect(try await rig.finalRows() == rig.sourceRows(), "request \(index)")
                #expect(try await rig.load().outcome == .unchanged, "request \(index)")
            }
        }
    }

    private func requestsOfOneLoad(_ rig: inout LoadRig) async throws -> Int {
        rig.dataset = "undisturbed"
        let before = rig.fake.exchanges.count
        _ = try await rig.load()
        return rig.fake.exchanges.count - before
    }

    @Test("What a dead loader left in the staging table goes with its partition, in three days")
    func leftoversExpire() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(350)
            _ = try await rig.load(LoadRig.hour.next)
            rig.fake.inject(.unavailableAfterDone, on: .insertAll, times: 2)
            #expect(await rig.failure(limits: LoadRig.withoutRetries) is BigQueryError)
            #expect(try await rig.fake.count("upbit", "trade_data_staging") > 0)

            rig.fake.clock.advance(by: .seconds(4 * 86_400))
            _ = try await rig.load(LoadRig.hour.next)
            #expect(try await rig.fake.count("upbit", "trade_data_staging") == 0)
            // A load needs its rows for minutes, not days.
            #expect(try await rig.load().rows == 354)
        }
    }
}
