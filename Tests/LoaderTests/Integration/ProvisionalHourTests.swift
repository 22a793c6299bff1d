import Foundation
import TestSupport
import Testing

@testable import Loader

@Suite("Hours that are loaded before they are over", .timeLimit(.minutes(5)))
struct ProvisionalHourTests {
    @Test("Such an hour is published as provisional, each time")
    func provisional() async throws {
        try await LoadRig.with { rig in
            // It does not end while the test runs.
            let hour = ClockHour(containing: .now).next
            try await rig.addTrades(10, to: hour)
            for _ in 0..<2 {
                let report = try await rig.load(hour)
                #expect(report.outcome == .published && report.rows == 14 && report.isProvisional)
                #expect(try await rig.query("SELECT state, provisional FROM warehouse_loads") == ["published|t"])
            }
        }
    }

    @Test("When it is over it is loaded for good, also when nothing has come since")
    func final() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            let report = try await rig.load()
            #expect(!report.isProvisional)
            #expect(try await rig.query("SELECT provisional FROM warehouse_loads") == ["f"])

            try await rig.execute(
                "UPDATE warehouse_loads SET provisional = true, started_at = '2026-01-01T05:59:59Z'")
            let again = try await rig.load()
            #expect(again.outcome == .published && !again.isProvisional)
            #expect(try await rig.query("SELECT provisional FROM warehouse_loads") == ["f"])
            #expect(try await rig.load().outcome == .unchanged)
        }
    }
}
