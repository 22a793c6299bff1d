import Postgres
import TestSupport
import Testing

@Suite("consumer check", .timeLimit(.minutes(2)))
struct ConsumerCheckTests {
    private func check(
        _ bench: ConsumerBench, _ arguments: [String] = [], _ extra: [String: String] = [:]
    ) async throws -> FinishedProcess {
        try await FinishedProcess.run("consumer", ["check"] + arguments, environment: bench.environment(extra))
    }

    /// Everything that there is in the database but the server's own.
    private func objects(_ bench: ConsumerBench) async throws -> String? {
        try await bench.database.rows(
            """
            SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
                || ' ' || (SELECT count(*) FROM pg_extension)
            """)[0][0]
    }

    @Test("An empty database is told what will be made, and is empty afterwards", arguments: [true, false])
    func empty(hasExtension: Bool) async throws {
        let bench = try await ConsumerBench(extension: hasExtension)
        let before = try await objects(bench)
        let run = try await check(bench)
        #expect(run.exit == .code(0) && run.errors == [], "\(run)")
        #expect(run.line("ok      database: postgres@127.0.0.1:")?.contains(": PostgreSQL 1") == true)
        #expect(run.line(hasExtension ? "ok      TimescaleDB: 2." : "note    TimescaleDB: 2.") != nil, "\(run)")
        #expect(
            run.line("ok      tables: ")
                == "ok      tables: will be made: trade_data, kafka_offsets, dead_letters, gaps, market_hours")
        #expect(run.line("ok      Kafka topic: upbit_ticker: 4 partitions") != nil)
        #expect(try await objects(bench) == before)
    }

    @Test("Beside a consumer that runs it finds its tables, and joins no group")
    func beside() async throws {
        let bench = try await ConsumerBench()
        let consumer = try await bench.startConsumer(havingWritten: 100)
        defer { consumer.kill() }
        let run = try await check(bench)
        #expect(run.exit == .code(0), "\(run)")
        #expect(
            run.line("ok      tables: ")
                == "ok      tables: there: trade_data, kafka_offsets, dead_letters, gaps, market_hours")
        // A second member would have taken partitions away.
        try bench.write(100..<200)
        try await bench.waitUntilWritten(200)
        #expect(
            consumer.errors.elements.count { $0.contains(" consumer: assigned ") } == 1, "\(consumer.errors.elements)")
    }

    @Test("A role without the rights is told which, and nothing else")
    func rights() async throws {
        let bench = try await ConsumerBench(extension: false)
        let role = "role_\(bench.database.configuration.database)"
        try await bench.database.execute("CREATE ROLE \(role) LOGIN; REVOKE CREATE ON SCHEMA public FROM public")
        let none = try await check(bench, [], ["TIMESCALEDB_USER": role])
        #expect(none.exit == .code(78))
        #expect(none.line("FAILED  tables: ")?.contains("CREATE TABLE trade_data") == true, "\(none)")
        let consumer = try await bench.startConsumer(havingWritten: 1)
        consumer.kill()
        try await bench.database.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO \(role)")
        let some = try await check(bench, [], ["TIMESCALEDB_USER": role])
        #expect(some.exit == .code(78))
        #expect(
            some.line("FAILED  tables: \(role) lacks INSERT on trade_data; INSERT, UPDATE on kafka_offsets; ") != nil,
            "\(some)")
    }

    @Test("A table that would round prices is told")
    func misfit() async throws {
        let bench = try await ConsumerBench(extension: false)
        try await bench.database.execute(
            """
            CREATE TABLE trade_data (
                time timestamptz NOT NULL, code text NOT NULL, trade_price float8, trade_volume numeric)
            """)
        let run = try await check(bench)
        #expect(run.exit == .code(78))
        #expect(run.line("FAILED  tables: column trade_price of trade_data is double precision ") != nil, "\(run)")
    }

    @Test("A database that is away is told beside a broker that is there, and the other way round")
    func away() async throws {
        let bench = try await ConsumerBench(extension: false)
        let port = try freePort()
        let database = try await check(bench, [], ["TIMESCALEDB_PORT": "\(port)"])
        #expect(database.exit == .code(69))
        #expect(
            database.line("FAILED  database: postgres@127.0.0.1:\(port)/")?.contains("refused") == true, "\(database)")
        #expect(database.line("ok      Kafka: ") != nil)
        bench.kafka.setDown()
        let kafka = try await check(bench)
        #expect(
            kafka.exit == .code(69) && kafka.line("FAILED  Kafka: ") != nil && kafka.line("ok      database: ") != nil)
    }
}
