import Foundation
import TestSupport
import Testing

@testable import Loader

@Suite("Hours that are closed, and such that are not", .timeLimit(.minutes(5)))
struct ClosedHourTests {
    private static let limit = Duration.seconds(60)
    private static let end = LoadRig.hour.next.start

    private func start(_ rig: LoadRig, _ arguments: String...) throws -> ChildProcess {
        try ChildProcess(BuiltProduct.path("loader"), arguments, environment: rig.variables)
    }

    /// A rig whose consumer tells its progress.
    private func withProgress(_ body: (inout LoadRig) async throws -> Void) async throws {
        try await LoadRig.with { rig in
            rig.variables["LOADER_CLOSE_TIMEOUT"] = "0s"
            try await rig.addProgressTable()
            try await rig.addTrades(10)
            try await body(&rig)
        }
    }

    @Test("An hour that every partition has passed is final, by its last trade or by being caught up")
    func closed() async throws {
        try await withProgress { rig in
            try await rig.progress(0, lastEvent: Self.end)
            try await rig.progress(1, lastEvent: "2026-01-01T05:00:00Z", caughtUp: Self.end)
            #expect(try await !rig.load().isProvisional)
            #expect(try await rig.query("SELECT provisional FROM warehouse_loads") == ["f"])
        }
    }

    @Test("An hour that one partition has not passed is loaded provisionally, and for good when it has")
    func provisional() async throws {
        try await withProgress { rig in
            try await rig.progress(0, lastEvent: Self.end)
            try await rig.progress(1, lastEvent: "2026-01-01T05:59:59.999999Z")
            #expect(try await rig.load().isProvisional)
            #expect(try await rig.query("SELECT state, provisional FROM warehouse_loads") == ["published|t"])
            try await rig.progress(1, lastEvent: "2026-01-01T05:59:59.999999Z", caughtUp: Self.end)
            let final = try await rig.load()
            #expect(final.outcome == .published && !final.isProvisional)
            #expect(try await rig.load().outcome == .unchanged)
        }
    }

    @Test("Until the consumer has met the topic nothing is closed, its topic of gaps or not")
    func newTopic() async throws {
        try await withProgress { rig in
            #expect(try await rig.load().isProvisional)
            try await rig.progress(0, lastEvent: Self.end, topic: "upbit_ticker.gaps")
            #expect(try await rig.load().isProvisional)
        }
    }

    @Test("With a topic that is not the consumer's it ends at once, and says which ones are: code 78")
    func otherTopic() async throws {
        try await withProgress { rig in
            try await rig.progress(0, lastEvent: Self.end, topic: "other")
            for arguments in [[], ["--hour", LoadRig.hour.description]] {
                let loader = try ChildProcess(BuiltProduct.path("loader"), arguments, environment: rig.variables)
                #expect(try await loader.exitStatus(within: Self.limit) == .code(78))
                try await loader.errors.closed(within: Self.limit, "the end of the errors")
                #expect(loader.errors.elements.last?.contains("KAFKA_TOPIC: 'upbit_ticker'") == true)
                #expect(loader.errors.elements.last?.contains("kafka_offsets has other;") == true)
            }
            rig.variables["KAFKA_TOPIC"] = "other"
            #expect(try await !rig.load().isProvisional)
        }
    }

    @Test("With the table of an older consumer, which tells no times, the clock alone decides, and that is said")
    func olderConsumer() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            try await rig.addProgressTable()
            try await rig.execute("ALTER TABLE kafka_offsets DROP COLUMN caught_up_at")
            let loader = try start(rig, "--hour", LoadRig.hour.description)
            try await loader.errorLine(containing: "the clock alone closes an hour", within: Self.limit)
            #expect(try await loader.exitStatus(within: Self.limit) == .code(0))
            #expect(try await rig.query("SELECT provisional FROM warehouse_loads") == ["f"])
        }
    }

    @Test("It waits for the hour to be closed, says once what for, and then loads it with what came meanwhile")
    func waits() async throws {
        try await withProgress { rig in
            rig.variables["LOADER_CLOSE_TIMEOUT"] = "1h"
            try await rig.progress(3, lastEvent: "2026-01-01T05:50:00Z")
            let loader = try start(rig, "--hour", LoadRig.hour.description)
            let line = try await loader.errorLine(containing: "waiting for the hour to be closed", within: Self.limit)
            #expect(line.contains("1 partition is behind its end: 3 by 10 min"))
            try await rig.addTrades(20)
            try await rig.progress(3, lastEvent: Self.end)
            #expect(try await loader.exitStatus(within: Self.limit) == .code(0))
            try await loader.errors.closed(within: Self.limit, "the end of the errors")
            #expect(loader.errors.elements.count { $0.contains("waiting for the hour") } == 1)
            #expect(try await rig.finalRows() == rig.sourceRows())
            #expect(try await rig.query("SELECT provisional, rows FROM warehouse_loads") == ["f|38"])
        }
    }

    @Test("After the time it loads what is there, says so, and does not wait for the next hour again")
    func givesUp() async throws {
        try await withProgress { rig in
            rig.variables["LOADER_CLOSE_TIMEOUT"] = "1s"
            try await rig.progress(0)
            let loader = try start(rig, "--from", "2026-01-01T05", "--to", "2026-01-01T07")
            #expect(try await loader.exitStatus(within: Self.limit) == .code(0))
            try await loader.errors.closed(within: Self.limit, "the end of the errors")
            #expect(loader.errors.elements.count { $0.contains("waiting for the hour") } == 1)
            #expect(loader.errors.elements.count { $0.contains("loading what is there as provisional") } == 2)
            #expect(
                try await rig.query("SELECT hour, provisional FROM warehouse_loads ORDER BY hour")
                    == ["2026-01-01 05:00:00+00|t", "2026-01-01 06:00:00+00|t"])
        }
    }
}
