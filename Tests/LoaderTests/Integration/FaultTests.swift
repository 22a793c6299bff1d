import Foundation
import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("Hours through failures", .timeLimit(.minutes(5)))
struct FaultTests {
    /// One way to fail, where, and how often in a row.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let fault: Fault
        let endpoint: Endpoint
        var times = 3
    }

    static let cases = [
        Case(testDescription: "insertAll: 503 before the rows landed", fault: .unavailable, endpoint: .insertAll),
        Case(testDescription: "insertAll: 503 after they landed", fault: .unavailableAfterDone, endpoint: .insertAll),
        Case(testDescription: "insertAll: reset in the answer", fault: .doneButReset, endpoint: .insertAll),
        Case(testDescription: "insertAll: 429 without Retry-After", fault: .rateLimit, endpoint: .insertAll),
        Case(testDescription: "insertAll: quota", fault: .quota, endpoint: .insertAll),
        Case(testDescription: "insertAll: 413 as HTML", fault: .tooLargeAsHTML, endpoint: .insertAll),
        Case(
            testDescription: "insertAll: some rows fail", fault: .rows([0, 7, 99], reason: "backendError"),
            endpoint: .insertAll),
        Case(testDescription: "query: 503", fault: .unavailable, endpoint: .query),
        Case(testDescription: "query: reset", fault: .doneButReset, endpoint: .query),
        Case(testDescription: "jobs.insert: 503 before", fault: .unavailable, endpoint: .createJob),
        Case(
            testDescription: "jobs.insert: 503 although it runs", fault: .unavailableAfterDone, endpoint: .createJob,
            times: 1),
        Case(
            testDescription: "jobs.insert: reset although it runs", fault: .doneButReset, endpoint: .createJob, times: 1
        ),
        Case(testDescription: "jobs.get: 503", fault: .unavailable, endpoint: .getJob),
        Case(testDescription: "tables.get: 503", fault: .unavailable, endpoint: .getTable),
        Case(
            testDescription: "tables.insert: 503 although it exists now", fault: .unavailableAfterDone,
            endpoint: .createTable, times: 1),
    ]

    @Test(
        "An hour is exact through failures, with insertIds remembered and with every copy kept",
        arguments: cases, [Duration.seconds(60), .zero])
    func exactThroughFailures(failure: Case, insertIDWindow: Duration) async throws {
        var options = FakeBigQuery.Options()
        options.insertIDWindow = insertIDWindow
        try await LoadRig.with(options) { rig in
            try await rig.addTrades(500)
            rig.fake.inject(failure.fault, on: failure.endpoint, times: failure.times)
            #expect(try await rig.load().rows == 504)
            #expect(try await rig.finalRows() == rig.sourceRows())
            #expect(try await rig.load().outcome == .unchanged)
        }
    }

    @Test("Retry-After of a 429 is honoured")
    func retryAfter() async throws {
        try await LoadRig.with { rig in
            var limits = LoadRig.impatient
            limits.rateLimited = .init(tries: 3, base: .milliseconds(1), longest: .seconds(1))
            try await rig.addTrades(1)
            rig.fake.inject(.tooManyRequests, on: .insertAll)
            let start = ContinuousClock.now
            #expect(try await rig.load(limits: limits).rows == 5)
            #expect(ContinuousClock.now - start >= .seconds(1))
        }
    }

    @Test("A table that answers 404 for its first moments is waited for")
    func newTable() async throws {
        var options = FakeBigQuery.Options()
        options.newTableDelay = .seconds(3_600)
        try await LoadRig.with(options) { rig in
            try await rig.addTrades(10)
            let rig = rig
            async let report = rig.load()
            try await rig.request(.insertAll, status: 404)
            rig.fake.clock.advance(by: .seconds(3_600))
            #expect(try await report.rows == 14)
        }
    }

    @Test("Staged rows that queries do not see yet are waited for")
    func unseenRows() async throws {
        var options = FakeBigQuery.Options()
        options.queriesUntilRowsAreSeen = 3
        try await LoadRig.with(options) { rig in
            try await rig.addTrades(296)
            #expect(try await rig.load().outcome == .published)
            // One of the final table, and four of the staging table.
            #expect(rig.requests(.query) == 5)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("Staged rows that no query sees for long are not waited for without end: nothing is published")
    func rowsNeverSeen() async throws {
        var options = FakeBigQuery.Options()
        options.queriesUntilRowsAreSeen = 1_000
        try await LoadRig.with(options) { rig in
            try await rig.addTrades(296)
            var limits = LoadRig.impatient
            limits.staged = .init(tries: 4, base: .milliseconds(1), longest: .milliseconds(1))
            let error = try #require(await rig.failure(limits: limits) as? LoadError)
            #expect(error.description.contains("sent 300 rows"))
            #expect(rig.requests(.query) == 5 && rig.requests(.createJob) == 0)
        }
    }

    @Test("A query that does not come to its end is not asked for without end")
    func endlessQuery() async throws {
        var options = FakeBigQuery.Options()
        options.pollsUntilQueryComplete = 100
        try await LoadRig.with(options) { rig in
            try await rig.addTrades(1)
            var limits = LoadRig.impatient
            limits.query = .init(tries: 4, base: .milliseconds(1), longest: .milliseconds(1))
            let error = try #require(await rig.failure(limits: limits) as? BigQueryError)
            #expect(error.description.contains("is still running"))
            #expect(rig.requests(.getQueryResults) == 3)
        }
    }

    @Test("It is waited for also when the run that created it died")
    func newTableOfDeadRun() async throws {
        var options = FakeBigQuery.Options()
        options.newTableDelay = .seconds(300)
        try await LoadRig.with(options) { rig in
            rig.fake.inject(.unavailable, on: .query)
            #expect(await rig.failure(limits: LoadRig.withoutRetries) is BigQueryError)
            try await rig.addTrades(10)
            let rig = rig
            async let report = rig.load()
            try await rig.request(.insertAll, status: 404)
            rig.fake.clock.advance(by: .seconds(300))
            #expect(try await report.rows == 14)
            #expect(rig.requests(.createTable) == 2)
        }
    }

    @Test("One that answers 404 for longer than a run waits is there for the next run: code 69")
    func newTableForLong() async throws {
        var options = FakeBigQuery.Options()
        options.newTableDelay = .seconds(300)
        try await LoadRig.with(options) { rig in
            try await rig.addTrades(10)
            var limits = LoadRig.impatient
            limits.newTable = .init(tries: 3, base: .milliseconds(1), longest: .milliseconds(1))
            let error = try #require(await rig.failure(limits: limits))
            #expect(failure(of: .failure(error), signal: nil)?.status == ExitStatus.unavailable)
            rig.fake.clock.advance(by: .seconds(300))
            try await rig.catchUp(LoadRig.hour..<LoadRig.hour.next)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test(
        "A request for a table that makes no sense to BigQuery is a wrong setting: code 78",
        arguments: [Endpoint.getTable, .createDataset, .createTable])
    func refusedSetup(endpoint: Endpoint) async throws {
        try await LoadRig.with { rig in
            rig.fake.inject(.refused(GoogleError(400, "invalid", "Invalid dataset ID")), on: endpoint)
            let error = try #require(await rig.failure())
            #expect(failure(of: .failure(error), signal: nil)?.status == ExitStatus.configuration)
            for part in ["BIGQUERY_DATASET", "Invalid dataset ID"] { #expect("\(error)".contains(part), "\(error)") }
        }
    }

    @Test("A missing table is not waited for when it must not be created")
    func missingTable() async throws {
        try await LoadRig.with { rig in
            rig.variables["BIGQUERY_CREATE"] = "false"
            try await rig.addTrades(10)
            let error = try #require(await rig.failure() as? ConfigurationError)
            #expect(error.description.contains("trade_data, trade_data_staging"))
            #expect(rig.requests(.createTable) + rig.requests(.insertAll) == 0)
        }
    }

    @Test("A row that BigQuery itself refuses is kept with its reason, and its neighbours land")
    func refusedRow() async throws {
        try await LoadRig.with { rig in
            rig.variables["LOADER_CONCURRENCY"] = "1"
            try await rig.addTrades(150)
            rig.fake.inject(.rows([3], reason: "invalid"), on: .insertAll)
            let report = try await rig.load()
            #expect(report.rows == 153 && report.rejectedRows == 1)
            #expect(try await rig.query("SELECT reason LIKE 'BigQuery: %' FROM warehouse_rejects") == ["t"])
            #expect(try await rig.finalRows().count == 153)

            // What refused it is mended: the row is no longer missing after the next run.
            #expect(try await rig.load().rows == 154)
            #expect(try await rig.finalRows() == rig.sourceRows())
            #expect(try await rig.query("SELECT count(*) FROM warehouse_rejects") == ["0"])
        }
    }

    @Test("When BigQuery refuses every row, the published hour stays")
    func everyRowRefused() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(1)
            _ = try await rig.load()
            let published = try await rig.finalRows()
            try await rig.addTrades(1)
            rig.fake.inject(.rows(Array(0..<10), reason: "invalid"), on: .insertAll)
            #expect(await rig.failure() is LoadError)
            #expect(try await rig.finalRows() == published)
        }
    }

    @Test("When BigQuery refuses the whole first batch of an hour, no other is sent, and its reasons are kept")
    func firstBatchRefused() async throws {
        try await LoadRig.with { rig in
            rig.variables["LOADER_CONCURRENCY"] = "1"
            try await rig.addTrades(296)
            rig.fake.inject(.rows(Array(0..<100), reason: "invalid"), on: .insertAll)
            let error = try #require(await rig.failure() as? LoadError)
            #expect(error.description.contains("all 100 rows of the first batch"))
            #expect(rig.requests(.insertAll) == 1 && rig.requests(.createJob) == 0)
            #expect(try await rig.query("SELECT count(*) FROM warehouse_rejects") == ["100"])
        }
    }

    @Test("An hour that fails each time keeps the rejects of its last load, beside those of the published one")
    func hopelessHour() async throws {
        try await LoadRig.with { rig in
            rig.variables["LOADER_CONCURRENCY"] = "1"
            try await rig.execute("INSERT INTO trade_data VALUES ('2026-01-01T05:30:00Z', 'A', NULL, 1)")
            #expect(try await rig.load().rejectedRows == 1)
            try await rig.addTrades(10)
            for _ in 0..<3 {
                rig.fake.inject(.rows(Array(0..<100), reason: "invalid"), on: .insertAll)
                let error = await #expect(throws: LoadError.self) {
                    try await rig.catchUp(LoadRig.hour..<LoadRig.hour.next)
                }
                #expect(error?.status == ExitStatus.software)
            }
            #expect(
                try await rig.query(
                    "SELECT reason LIKE 'BigQuery: %', count(*) FROM warehouse_rejects GROUP BY 1 ORDER BY 1")
                    == ["f|2", "t|14"])
        }
    }

    @Test("A later batch that BigQuery refuses as a whole is kept with its reasons, and the rest is exact")
    func laterBatchRefused() async throws {
        try await LoadRig.with { rig in
            rig.variables["LOADER_CONCURRENCY"] = "1"
            rig.variables["LOADER_BATCH_ROWS"] = "1"
            try await rig.addTrades(4)
            for rows in [[], [0]] { rig.fake.inject(.rows(rows, reason: "invalid"), on: .insertAll) }
            let report = try await rig.load()
            #expect(report.rows == 7 && report.rejectedRows == 1)
        }
    }

    @Test("A publishing job that lost against another statement is run again under a new id")
    func serialization() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            let conflict = GoogleError(
                400, "invalidQuery", "Could not serialize access to table upbit.trade_data due to concurrent update")
            rig.fake.inject(.jobFails(conflict), on: .createJob, times: 2)
            #expect(try await rig.load().rows == 14)
            #expect(rig.requests(.createJob) == 3)
            #expect(try await rig.query("SELECT job_id LIKE '%-3' FROM warehouse_loads") == ["t"])
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("One that loses each time ends the run with 69, until its hour is left alone for a while")
    func endlessSerialization() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            var limits = LoadRig.impatient
            limits.job = .init(tries: 2, base: .milliseconds(1), longest: .milliseconds(1))
            let conflict = GoogleError(
                400, "invalidQuery", "Could not serialize access to table upbit.trade_data due to concurrent update")
            rig.fake.inject(.jobFails(conflict), on: .createJob, times: 100)
            for status in [ExitStatus.unavailable, ExitStatus.unavailable, ExitStatus.software] {
                let error = await #expect(throws: LoadError.self) {
                    try await rig.catchUp(LoadRig.hour..<LoadRig.hour.next, limits: limits)
                }
                #expect(error?.status == status)
            }
            #expect(rig.requests(.createJob) == 4)
            // Named by hand it is tried, and fails in the same way.
            let error = try #require(await rig.failure(limits: limits))
            #expect(failure(of: .failure(error), signal: nil)?.status == ExitStatus.unavailable)
        }
    }

    @Test("A publishing job that is refused ends the run, and the next run loads the hour")
    func refusedJob() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            rig.fake.inject(.jobFails(GoogleError(403, "accessDenied", "no")), on: .createJob)
            let error = try #require(await rig.failure() as? BigQueryError)
            #expect(error.reason == "accessDenied")
            #expect(rig.requests(.createJob) == 1)
            #expect(try await rig.load().rows == 14)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }
}
