import Foundation
import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("Hours that fail in each run", .timeLimit(.minutes(5)))
struct FailedHoursRunTests {
    private let first = LoadRig.hour

    /// What a run looks back on in the `index`-th hour of a test.
    private func lookback(_ index: Int) -> Range<ClockHour> { first..<first.advanced(by: 2 + index) }

    /// Publishes an hour and takes a row from it that the source had: it is refused from then on.
    private func shrink(_ rig: LoadRig) async throws {
        try await rig.publish(10)
        try await rig.execute("CREATE TABLE kept AS SELECT * FROM trade_data; DELETE FROM trade_data WHERE code = 'C7'")
    }

    private func failures(_ rig: LoadRig) async throws -> [String] {
        try await rig.query("SELECT failures, retry_from, failure FROM warehouse_loads WHERE failures > 0")
    }

    @Test("An hour whose rows BigQuery refuses is staged ever more rarely by hourly runs, and each of them says so")
    func pauses() async throws {
        try await LoadRig.with { rig in
            rig.fake.inject(.rows(Array(0..<14), reason: "invalid"), on: .insertAll, times: 100)
            try await rig.addTrades(10)
            var staged: [Int] = []
            for index in 0..<20 {
                let before = rig.requests(.insertAll)
                let error = await #expect(throws: LoadError.self) { try await rig.catchUp(lookback(index)) }
                #expect(error?.status == ExitStatus.software)
                #expect(error?.description.contains("refused all 14 rows") == true)
                if rig.requests(.insertAll) > before { staged.append(index) }
            }
            #expect(staged == [0, 1, 2, 5, 12])
            #expect(try await failures(rig).first?.hasPrefix("5|2026-01-02 10:00:00+00|BigQuery refused all") == true)
        }
    }

    @Test("An hour that the ledger does not know is remembered, too, and still nothing is published in its place")
    func unknownHour() async throws {
        try await LoadRig.with { rig in
            try await shrink(rig)
            let published = try await rig.finalRows()
            try await rig.execute("DELETE FROM warehouse_loads")
            for index in 0..<4 { await #expect(throws: LoadError.self) { try await rig.catchUp(lookback(index)) } }
            #expect(
                try await rig.query("SELECT state, attempts, failures FROM warehouse_loads WHERE failures > 0")
                    == ["staging|0|3"])
            #expect(try await rig.finalRows() == published)
        }
    }

    @Test("An hour whose publishing job fails is noted like any other, and later hours are published")
    func failingJob() async throws {
        try await LoadRig.with { rig in
            var limits = LoadRig.impatient
            limits.job = .init(tries: 2, base: .milliseconds(1), longest: .milliseconds(1))
            for hour in [first, first.next] { try await rig.addTrades(10, to: hour) }
            for run in 0..<4 {
                // The fourth run leaves it alone.
                if run < 3 {
                    rig.fake.inject(.jobFails(GoogleError(400, "invalidQuery", "no")), on: .createJob, times: 2)
                }
                let jobs = rig.requests(.createJob)
                let error = await #expect(throws: LoadError.self) {
                    try await rig.catchUp(lookback(run), limits: limits)
                }
                #expect(error?.status == (run < 3 ? ExitStatus.unavailable : ExitStatus.software))
                #expect(error?.description.contains("(invalidQuery): no") == true)
                // Beside it the previous hour's.
                #expect(rig.requests(.createJob) - jobs == (run < 3 ? 3 : 1))
                #expect(try await rig.finalRows() == rig.sourceRows(first.next))
            }
            #expect(try await failures(rig).first?.hasPrefix("3|2026-01-01 12:00:00+00|BigQuery") == true)
            try await rig.catchUp(lookback(5), limits: limits)
            #expect(try await rig.finalRowsByHour()[first] == rig.sourceRows())
            #expect(try await failures(rig).isEmpty)
        }
    }

    @Test(
        "A job that no hour's would survive ends the run, and begins no pause",
        arguments: [
            "accessDenied", "billingNotEnabled", "notFound", "backendError",
        ])
    func everyJob(reason: String) async throws {
        try await LoadRig.with { rig in
            var limits = LoadRig.impatient
            limits.job = .init(tries: 1, base: .milliseconds(1), longest: .milliseconds(1))
            for hour in [first, first.next] { try await rig.addTrades(10, to: hour) }
            rig.fake.inject(.jobFails(GoogleError(403, reason, "no")), on: .createJob)
            await #expect(throws: BigQueryError.self) { try await rig.catchUp(lookback(0), limits: limits) }
            #expect(rig.requests(.createJob) == 1)
            #expect(try await failures(rig).isEmpty)
        }
    }

    @Test("Who names the hour has it tried at once; what failed before is then forgotten")
    func byHand() async throws {
        try await LoadRig.with { rig in
            try await shrink(rig)
            for index in 0..<3 { await #expect(throws: LoadError.self) { try await rig.catchUp(lookback(index)) } }
            #expect(try await failures(rig).count == 1)
            let hour = ["--hour", "\(first)"]
            for (arguments, code) in [(hour, ExitStatus.software), (hour + ["--replace"], 0)] {
                let loader = try ChildProcess(BuiltProduct.path("loader"), arguments, environment: rig.variables)
                #expect(try await loader.exitStatus(within: .seconds(60)) == .code(code))
            }
            #expect(try await failures(rig).isEmpty)
            try await rig.addTrades(1)
            try await rig.catchUp(lookback(3))
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("An hour that became right by itself is forgotten without being loaded")
    func mended() async throws {
        try await LoadRig.with { rig in
            try await shrink(rig)
            for index in 0..<3 { await #expect(throws: LoadError.self) { try await rig.catchUp(lookback(index)) } }
            try await rig.execute("INSERT INTO trade_data SELECT * FROM kept WHERE code = 'C7'")
            try await rig.catchUp(lookback(3))
            #expect(try await failures(rig).isEmpty)
        }
    }

    @Test("An hour that is mended when no run looks back on it any more is still tried, once its pause is over")
    func mendedLater() async throws {
        try await LoadRig.with { rig in
            try await shrink(rig)
            for index in 0..<6 { await #expect(throws: LoadError.self) { try await rig.catchUp(lookback(index)) } }
            #expect(try await failures(rig).first?.hasPrefix("4|2026-01-01 19:00:00+00|") == true)
            try await rig.execute(
                "INSERT INTO trade_data SELECT time + interval '1 us', code, 1, 1 FROM kept WHERE code = 'C7' UNION ALL "
                    + "SELECT * FROM kept WHERE code = 'C7'")
            let later = { (hours: Int) in first.advanced(by: hours)..<first.advanced(by: hours + 48) }
            await #expect(throws: LoadError.self) {
                try await rig.catchUp(first.advanced(by: 7)..<first.advanced(by: 9))
            }
            try await rig.catchUp(later(10))
            #expect(try await failures(rig).isEmpty)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("What every hour would meet ends the run and begins no pause: once it is mended all is loaded")
    func everyHour() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            // One of the first run, and two of each that asks for the job of the run before.
            rig.fake.inject(.refused(GoogleError(404, "notFound", "Not found: Job")), on: .getJob, times: 7)
            for index in 0..<4 {
                let error = await #expect(throws: LoadError.self) { try await rig.catchUp(lookback(index)) }
                #expect(error?.description.contains("BIGQUERY_LOCATION") == true)
                #expect(try await failures(rig).isEmpty)
            }
            try await rig.catchUp(lookback(4))
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("A run that leaves an hour alone names it, until when, and the command that tries it now")
    func told() async throws {
        try await LoadRig.with { rig in
            let hour = ClockHour(containing: .now).advanced(by: -5)
            try await rig.addTrades(10, to: hour)
            _ = try await rig.load(hour)
            try await rig.execute(
                """
                DELETE FROM trade_data WHERE code = 'C7';
                UPDATE warehouse_loads SET failures = 5, retry_from = now() + interval '3 h', failure = 'no room'
                """)
            let loader = try ChildProcess(BuiltProduct.path("loader"), [], environment: rig.variables)
            #expect(try await loader.exitStatus(within: .seconds(60)) == .code(ExitStatus.software))
            try await loader.errors.closed(within: .seconds(60), "the end of the errors")
            let told = loader.errors.elements.filter { $0.contains("left alone") }
            #expect(told.count == 1 && told.first?.contains("loader --hour \(hour)") == true)
            #expect(loader.errors.elements.last?.contains("no room") == true)
        }
    }

    @Test("A ledger of an older version that is another role's has every run try every hour")
    func olderLedger() async throws {
        try await LoadRig.with { rig in
            try await shrink(rig)
            try await rig.execute("ALTER TABLE warehouse_loads DROP COLUMN failures")
            try await rig.withRole { rig in
                for index in 0..<4 { await #expect(throws: LoadError.self) { try await rig.catchUp(lookback(index)) } }
                try await rig.addTrades(1)
                try await rig.catchUp(lookback(4))
            }
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }
}
