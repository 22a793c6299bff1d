import Postgres
import TestSupport
import Testing

@testable import Loader

@Suite("loader check", .timeLimit(.minutes(2)))
struct LoaderCheckTests {
    private func check(_ rig: LoadRig, _ extra: [String: String] = [:]) async throws -> FinishedProcess {
        try await FinishedProcess.run(
            "loader", ["check"], environment: rig.variables.merging(extra) { _, extra in extra })
    }

    /// What the loader reads, as the consumer makes it.
    private func addConsumersTables(_ rig: LoadRig) async throws {
        try await rig.execute("CREATE TABLE kafka_offsets (); CREATE TABLE gaps (); CREATE TABLE completeness ()")
    }

    @Test("Before the first load it tells what will be made, and makes nothing")
    func first() async throws {
        try await LoadRig.with { rig in
            let relations = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            let before = try await rig.query(relations)
            let run = try await check(rig)
            #expect(run.exit == .code(0) && run.errors == [], "\(run)")
            #expect(run.line("ok      database: ")?.contains(": PostgreSQL 1") == true)
            #expect(
                run.line("ok      tables: ")
                    == "ok      tables: trade_data; will be made: warehouse_loads, warehouse_rejects")
            #expect(run.line("ok      Google account: none, as for an emulator") != nil)
            #expect(
                run.line("ok      BigQuery: ")
                    == """
                    ok      BigQuery: \(rig.fake.projectID).upbit.trade_data will be made: dataset upbit, trade_data, \
                    trade_data_staging
                    """)
            #expect(try await rig.query(relations) == before)
            #expect(rig.requests(.createDataset) + rig.requests(.createTable) + rig.requests(.query) == 0)
        }
    }

    @Test("After a load all is there; a role without rights is told which")
    func later() async throws {
        try await LoadRig.with { rig in
            try await addConsumersTables(rig)
            try await rig.addTrades(10)
            _ = try await rig.load()
            let run = try await check(rig, ["BIGQUERY_CREATE": "false"])
            #expect(run.exit == .code(0), "\(run)")
            #expect(run.line("ok      tables: trade_data, warehouse_loads, warehouse_rejects") != nil)
            #expect(
                run.line("ok      BigQuery: \(rig.fake.projectID).upbit.trade_data and trade_data_staging") != nil)

            let role = "role_\(rig.source.database.filter { $0.isHexDigit })"
            try await rig.execute("CREATE ROLE \(role) LOGIN; GRANT SELECT ON trade_data, kafka_offsets TO \(role)")
            let lacking = try await check(rig, ["TIMESCALEDB_USER": role])
            #expect(lacking.exit == .code(78))
            #expect(
                lacking.line("FAILED  tables: \(role) lacks SELECT on gaps; SELECT on completeness; SELECT, ") != nil,
                "\(lacking)")
        }
    }

    @Test("Of a final table that is gone it tells how many hours a run loads again, or refuses to make it for")
    func gone() async throws {
        try await LoadRig.with { rig in
            try await addConsumersTables(rig)
            try await rig.addTrades(10)
            _ = try await rig.load()
            _ = try await rig.load(LoadRig.hour.next)
            try await rig.fake.drop("upbit", "trade_data")
            let run = try await check(rig)
            let line = run.line("note    BigQuery: \(rig.fake.projectID).upbit.trade_data is missing: ")
            for part in ["1 hour", "warehouse_loads", "78", "--replace"] {
                #expect(line?.contains(part) == true, "\(run)")
            }
            #expect(run.exit == .code(0))
        }
    }

    @Test("What is missing and may not be made is told")
    func missing() async throws {
        try await LoadRig.with { rig in
            try await rig.execute("DROP TABLE trade_data")
            let run = try await check(rig, ["BIGQUERY_CREATE": "false"])
            #expect(run.exit == .code(78))
            #expect(run.line("FAILED  tables: there is no trade_data in \(rig.source.database). ") != nil, "\(run)")
            #expect(run.line("FAILED  BigQuery: missing: dataset upbit, ") != nil)
        }
    }

    @Test("A key is tried; a refused one is told, and so is an endpoint that is away")
    func credentials() async throws {
        var options = FakeBigQuery.Options()
        options.authentication = true
        try await LoadRig.with(options) { rig in
            let folder = try TemporaryFolder()
            let path = "\(folder.path)/key.json"
            try rig.fake.writeServiceAccount(to: path)
            rig.variables["BIGQUERY_EMULATOR_HOST"] = nil
            rig.variables["BIGQUERY_ENDPOINT"] = "http://\(rig.fake.host)"
            rig.variables["GOOGLE_APPLICATION_CREDENTIALS"] = path
            let good = try await check(rig)
            #expect(good.exit == .code(0), "\(good)")
            #expect(good.line("ok      Google account: service account ") != nil)

            rig.fake.inject(.refused(GoogleError(400, "invalid_grant", "Invalid JWT Signature.")), on: .token)
            let refused = try await check(rig)
            #expect(
                refused.exit == .code(78) && refused.line("FAILED  Google account: no access token: ") != nil,
                "\(refused)")

            rig.fake.inject(.unavailable, on: .token)
            let away = try await check(rig)
            #expect(away.exit == .code(69) && away.line("FAILED  Google account: ") != nil, "\(away)")

            rig.fake.inject(.unavailable, on: .getDataset)
            let unavailable = try await check(rig)
            #expect(unavailable.exit == .code(69) && unavailable.line("FAILED  BigQuery: ") != nil, "\(unavailable)")
        }
    }
}
