import Foundation
import TestSupport
import Testing

@testable import Loader

@Suite("Runs with faults from a seed", .timeLimit(.minutes(10)))
struct SeededFaultTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    /// `LOADER_FAULT_SEED=… LOADER_FAULT_RUNS=1` repeats one of them.
    @Test("Whatever fails and whenever it is killed, the hours end exact: row for row, digit for digit")
    func exact() async throws {
        let runs = Self.number("LOADER_FAULT_RUNS") ?? 200
        let first = Self.number("LOADER_FAULT_SEED") ?? .random(in: 0..<1 << 32)
        print("LOADER_FAULT_SEED=\(first) LOADER_FAULT_RUNS=\(runs)")
        var options = FakeBigQuery.Options()
        options.authentication = true
        // Every copy of a row stays: nothing may rest on insertIds.
        options.insertIDWindow = .zero
        let folder = try TemporaryFolder()
        var total = FaultFigures()
        try await LoadRig.with(options) { rig in
            let key = "\(folder.path)/key.json"
            try rig.fake.writeServiceAccount(to: key)
            rig.variables["BIGQUERY_EMULATOR_HOST"] = nil
            rig.variables["BIGQUERY_ENDPOINT"] = "http://\(rig.fake.host)"
            rig.variables["GOOGLE_APPLICATION_CREDENTIALS"] = key
            for seed in first..<first + runs {
                var course = try await FaultCourse(seed: seed, rig: rig)
                do {
                    try await course.run()
                } catch {
                    Issue.record("\(error); \(course.hint)")
                    return
                }
                total.add(course.figures)
            }
        }
        print("\(runs) courses: \(total)")
        // One course can do without; of so many each kind meets some.
        if runs >= 20 {
            #expect(total.kills > 0 && total.faults > 0 && total.failedRuns > 0 && total.lateRows > 0)
        }
    }
}
