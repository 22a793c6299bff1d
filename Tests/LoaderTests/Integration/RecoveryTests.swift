import Logging
import Postgres
import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("Going on after a crash", .timeLimit(.minutes(5)))
struct RecoveryTests {
    @Test("A job that finished after the loader died is adopted: nothing is sent again")
    func adoption() async throws {
        try await LoadRig.with { rig in
            try await rig.publish(50)
            let inserts = rig.requests(.insertAll)
            // As the ledger stands when the loader dies between submitting and hearing the outcome.
            try await rig.execute("UPDATE warehouse_loads SET state = 'publishing', published_at = NULL")
            #expect(try await rig.load().outcome == .unchanged)
            #expect(rig.requests(.insertAll) == inserts && rig.requests(.createJob) == 1)
            #expect(try await rig.ledger() == ["2026-01-01 05:00:00+00|published|54|0|1"])
        }
    }

    @Test("A job that was never submitted is not believed: the hour is loaded anew")
    func lostJob() async throws {
        try await LoadRig.with { rig in
            try await rig.publish(50)
            try await rig.addTrades(50)
            try await rig.execute("UPDATE warehouse_loads SET state = 'publishing', job_id = 'loader-lost-1'")
            #expect(try await rig.load().outcome == .published)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("Nor when BigQuery refuses the statement that uses its id up, and keeps the job as one that failed")
    func lostJobRefused() async throws {
        try await LoadRig.with { rig in
            try await rig.publish(50)
            try await rig.addTrades(50)
            try await rig.execute("UPDATE warehouse_loads SET state = 'publishing', job_id = 'loader-lost-1'")
            let refusal = GoogleError(400, "invalidQuery", "a later run took the id of this job")
            rig.fake.inject(.doneButAnswered(refusal), on: .createJob)
            #expect(try await rig.load().outcome == .published)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("When it refuses that statement and keeps no job, the run says what was refused, and publishes nothing")
    func refusedWithoutJob() async throws {
        try await LoadRig.with { rig in
            let published = try await rig.publish(50)
            try await rig.addTrades(50)
            try await rig.execute("UPDATE warehouse_loads SET state = 'publishing', job_id = 'loader-lost-1'")
            rig.fake.inject(.refused(GoogleError(400, "invalidQuery", "no such function")), on: .createJob)
            let error = try #require(await rig.failure() as? BigQueryError)
            #expect(error.message == "no such function")
            #expect(try await rig.finalRows() == published)
        }
    }

    @Test("A job that a loader sends, or sends again, after it lost its lock does not undo what the next one published")
    func lostLock() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(50)
            let held = HeldRequest(.createJob)
            rig.fake.watch { await held.stepIn($0) }
            let rig = rig
            async let first = rig.failure()
            try await held.arrived()
            try await rig.addTrades(50)
            try await rig.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """)
            #expect(try await rig.load().outcome == .published)
            try await held.release()
            #expect(await first is PostgresError)
            #expect(try await rig.finalRows() == rig.sourceRows())
            #expect(try await rig.load().outcome == .unchanged)
        }
    }

    /// The final table takes no more rows of this code: two of the hour's, once trades were added twice.
    private static let losingTrigger = """
        CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER lose BEFORE INSERT ON upbit.trade_data FOR EACH ROW
            WHEN (NEW.code = 'LAST') EXECUTE FUNCTION lose()
        """

    @Test("A job that inserted fewer rows than were staged is an error, and no later run adopts it")
    func lostPublishedRow() async throws {
        try await LoadRig.with { rig in
            try await rig.publish(50)
            try await rig.addTrades(50)
            try await rig.execute(Self.losingTrigger, in: rig.warehouse)
            let error = try #require(await rig.failure() as? LoadError)
            #expect(error.description.contains("inserted 106 rows instead of 108"))
            try await rig.execute("DROP TRIGGER lose ON upbit.trade_data", in: rig.warehouse)

            // A run that ends before it has compared the final table.
            rig.fake.inject(.unavailable, on: .query)
            #expect(await rig.failure(limits: LoadRig.withoutRetries) is BigQueryError)
            #expect(try await rig.query("SELECT state FROM warehouse_loads") == ["publishing"])
            // The runs by the clock believe the ledger of what is published.
            try await rig.catchUp(LoadRig.hour..<LoadRig.hour.advanced(by: 2))
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("A job that inserted more rows than were staged is not adopted, and its hour is loaded anew")
    func doubledPublishedRows() async throws {
        try await LoadRig.with { rig in
            try await rig.publish(50)
            // The ledger and the source know of 53 rows, and the job inserted 54.
            try await rig.execute(
                """
                DELETE FROM trade_data WHERE code = 'LAST';
                UPDATE warehouse_loads SET state = 'publishing', published_at = NULL, rows = rows - 1
                """)
            #expect(try await rig.load().outcome == .published)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("Nor is it loaded anew when the source has fewer rows than were staged")
    func doubledAndShrunk() async throws {
        try await LoadRig.with { rig in
            let published = try await rig.publish(50)
            try await rig.execute(
                """
                DELETE FROM trade_data WHERE code IN ('FIRST', 'LAST');
                UPDATE warehouse_loads SET state = 'publishing', published_at = NULL, rows = rows - 1
                """)
            let error = try #require(await rig.failure() as? LoadError)
            #expect(error.description.contains("only 52") && error.description.contains("--replace"))
            #expect(try await rig.finalRows() == published)
        }
    }

    @Test(
        "When nobody can say what became of a job, no other is submitted: the next run adopts the first",
        arguments: [
            (Endpoint.createJob, Fault.unavailableAfterDone), (.createJob, .doneButReset), (.getJob, .unavailable),
        ])
    func unknownJob(endpoint: Endpoint, fault: Fault) async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(50)
            _ = try await rig.load(LoadRig.hour.next)
            let jobs = rig.requests(.createJob)
            rig.fake.inject(fault, on: endpoint)
            #expect(await rig.failure(limits: LoadRig.withoutRetries) is BigQueryError)
            #expect(
                try await rig.query("SELECT state, job_id LIKE '%-1' FROM warehouse_loads ORDER BY hour LIMIT 1")
                    == ["publishing|t"])
            #expect(try await rig.load().outcome == .unchanged)
            #expect(rig.requests(.createJob) == jobs + 1)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("Once the ledger's tables exist, a role that may not create any loads hours")
    func roleWithoutCreate() async throws {
        try await LoadRig.with { rig in
            _ = try await rig.load()
            try await rig.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            try await rig.withRole { rig in
                try await rig.addTrades(10)
                #expect(try await rig.load().rows == 14)
                #expect(try await rig.load().outcome == .unchanged)
            }
        }
    }

    @Test("A right that the role lacks is named in one line, with those that it needs: code 78")
    func missingRight() async throws {
        try await LoadRig.with { rig in
            _ = try await rig.load()
            try await rig.addProgressTable()
            try await rig.withRole { rig in
                let error = try #require(await rig.failure())
                let failure = failure(of: .failure(error), signal: nil)
                #expect(failure?.status == ExitStatus.configuration)
                for part in ["permission denied", "kafka_offsets", "SELECT on trade_data"] {
                    #expect(failure.map { "\($0)".contains(part) } == true)
                }
            }
        }
    }

    @Test("Of the ledger's tables only what is missing is created")
    func missingRejects() async throws {
        try await LoadRig.with { rig in
            _ = try await rig.load()
            try await rig.execute("DROP TABLE warehouse_rejects")
            try await rig.execute("INSERT INTO trade_data VALUES ('2026-01-01T05:30:00Z', 'A', NULL, 1)")
            #expect(try await rig.load().rejectedRows == 1)
            #expect(try await rig.query("SELECT to_regclass('warehouse_rejects_hour') IS NOT NULL") == ["t"])
        }
    }

    @Test("Rows that a dead loader left in the staging table are not published")
    func leftovers() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(350)
            _ = try? await rig.load(LoadRig.hour.advanced(by: -1))
            // Some batches land, then BigQuery is away for good.
            rig.fake.inject(.unavailableAfterDone, on: .insertAll, times: 2)
            #expect(await rig.failure(limits: LoadRig.withoutRetries) is BigQueryError)
            #expect(try await rig.fake.count("upbit", "trade_data_staging") > 0)
            #expect(try await rig.load().rows == 354)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("A final table that lost a row is mended by the next run")
    func drift() async throws {
        try await LoadRig.with { rig in
            try await rig.publish(50)
            try await rig.execute(#"DELETE FROM upbit.trade_data WHERE code = 'FIRST'"#, in: rig.warehouse)
            #expect(try await rig.load().outcome == .published)
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }

    @Test("A staged row that BigQuery confirmed and lost is noticed: nothing is published")
    func lostStagedRow() async throws {
        try await LoadRig.with { rig in
            let published = try await rig.publish(50)
            try await rig.addTrades(50)
            try await rig.execute(
                """
                CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
                CREATE TRIGGER lose BEFORE INSERT ON upbit.trade_data_staging FOR EACH ROW
                    WHEN (NEW.ordinal = 7) EXECUTE FUNCTION lose()
                """, in: rig.warehouse)
            let error = try #require(await rig.failure() as? LoadError)
            #expect(error.description.contains("does not hold what was sent"))
            #expect(try await rig.finalRows() == published)
            #expect(rig.requests(.createJob) == 1)
        }
    }

    @Test("Of two loaders the second waits for the first, and gives up after its time")
    func lock() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let table = "\(rig.fake.projectID).upbit.trade_data"
            let first = try await Ledger.open(rig.source, table: table, lockTimeout: .seconds(1), logger: logger)
            rig.variables["LOADER_LOCK_TIMEOUT"] = "1s"
            #expect(await rig.failure() is LoadError)
            #expect(rig.requests(.insertAll) == 0)
            _ = try await first.entry(of: LoadRig.hour)
        }
    }

    @Test("A staged row with another value is noticed at once: nothing is published")
    func changedStagedRow() async throws {
        try await LoadRig.with { rig in
            let published = try await rig.publish(50)
            try await rig.addTrades(50)
            try await rig.execute(
                """
                CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql
                    AS 'BEGIN NEW.trade_price := NEW.trade_price + 1; RETURN NEW; END';
                CREATE TRIGGER change BEFORE INSERT ON upbit.trade_data_staging FOR EACH ROW
                    WHEN (NEW.ordinal = 7) EXECUTE FUNCTION change()
                """, in: rig.warehouse)
            let queries = rig.requests(.query)
            #expect(await rig.failure() is LoadError)
            #expect(rig.requests(.query) == queries + 1)
            #expect(try await rig.finalRows() == published)
        }
    }

    @Test("Two loaders of one hour at the same time load it once")
    func together() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(500)
            let outcomes = try await withThrowingTaskGroup(of: HourReport.Outcome.self) { [rig] group in
                for _ in 0..<2 { group.addTask { try await rig.load().outcome } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(outcomes == [.published, .unchanged])
            #expect(try await rig.finalRows() == rig.sourceRows())
        }
    }
}
