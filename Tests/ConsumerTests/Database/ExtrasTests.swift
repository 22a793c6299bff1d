import Logging
import Synchronization
import TestSupport
import Testing

@testable import Consumer

@Suite("What TimescaleDB offers beside the tables", .timeLimit(.minutes(1)))
struct ExtrasTests {
    /// Ticks of two markets, not in the order of their times.
    private static let ticks = """
        INSERT INTO trade_data VALUES
            ('2026-05-12 01:00:30Z', 'A', 5, 0.5), ('2026-05-12 01:00:00Z', 'A', 7.10, 0.25),
            ('2026-05-12 01:00:59.999Z', 'A', 6, 1), ('2026-05-12 01:00:10Z', 'A', 9, 1),
            ('2026-05-12 01:02:00Z', 'A', 1, 1), ('2026-05-12 01:00:20Z', 'B', 3, 0.000000001)
        """

    private static let candles = [
        ["2026-05-12 01:00:00+00", "A", "7.10", "9", "5", "6", "2.75", "4"],
        ["2026-05-12 01:00:00+00", "B", "3", "3", "3", "3", "0.000000001", "1"],
        ["2026-05-12 01:02:00+00", "A", "1", "1", "1", "1", "1", "1"],
    ]

    @Test("The candles of a minute are the same with and without TimescaleDB", arguments: [true, false])
    func candles(isHypertable: Bool) async throws {
        let database = try await CompletenessDatabase(isHypertable: isHypertable)
        try await database.probe.execute(Self.ticks)
        let lines = LogLines()
        try await database.createExtras(logger: lines.logger)
        #expect(try await database.probe.rows(Self.select) == Self.candles)
        #expect(
            lines.all
                == (isHypertable
                    ? ["info: this edition of TimescaleDB has no continuous aggregates: candles_1m is a plain view"]
                    : []))
        #expect(
            try await database.probe.rows("SELECT obj_description('candles_1m'::regclass) LIKE 'One row%'") == [["t"]])
        // A second start finds it and has nothing to say.
        let version = "SELECT xmin FROM pg_class WHERE relname = 'candles_1m'"
        let before = try await database.probe.rows(version)
        let again = LogLines()
        try await database.createExtras(logger: again.logger)
        #expect(try await database.probe.rows(version) == before)
        #expect(again.all.isEmpty)
    }

    private static let select = "SELECT time, code, open, high, low, close, volume, ticks FROM candles_1m ORDER BY 1, 2"

    @Test("Asking for an hour of candles reads no other days of the hypertable")
    func pruning() async throws {
        let database = try await CompletenessDatabase()
        try await database.probe.execute(
            """
            INSERT INTO trade_data SELECT '2026-05-01Z'::timestamptz + day * interval '1 day', 'A', 1, 1
            FROM generate_series(0, 9) AS day
            """)
        try await database.createExtras()
        let plan = try await database.probe.rows(
            """
            EXPLAIN SELECT * FROM candles_1m
            WHERE time BETWEEN '2026-05-05T00:00:00Z' AND '2026-05-05T01:00:00Z' AND code = 'A'
            """
        ).compactMap { $0[0] }.filter { $0.contains("_hyper_") && $0.contains("Scan") }
        #expect(plan.count == 1, "\(plan)")
    }

    @Test(
        "Where users call something of their own so, it stays theirs",
        arguments: ["CREATE TABLE candles_1m (code text)", "CREATE VIEW candles_1m AS SELECT 1 AS number"])
    func takenName(_ statement: String) async throws {
        let database = try await CompletenessDatabase()
        try await database.probe.execute(statement)
        let theirs = "SELECT xmin FROM pg_class WHERE relname = 'candles_1m'"
        let before = try await database.probe.rows(theirs)
        let lines = LogLines()
        try await database.createExtras(logger: lines.logger)
        #expect(try await database.probe.rows(theirs) == before)
        #expect(lines.all.isEmpty)
    }

    @Test("A role that may create nothing is told so, and the rest goes on")
    func roleWithoutRights() async throws {
        let database = try await CompletenessDatabase(isHypertable: false)
        try await database.probe.execute(
            """
            DROP ROLE IF EXISTS onlooker; CREATE ROLE onlooker LOGIN;
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO onlooker
            """)
        let lines = LogLines()
        try await database.createExtras(as: "onlooker", logger: lines.logger)
        #expect(lines.all == ["warning: there is no view candles_1m: start a consumer once as the owner of trade_data"])
        #expect(try await database.probe.rows("SELECT to_regclass('candles_1m')") == [[nil]])
    }

    private static let policies = AgePolicies(compressAfter: "7 days", retention: "90 days")

    @Test("An edition without policies says so for each setting, and the table stays as it is")
    func refusedPolicies() async throws {
        let database = try await CompletenessDatabase()
        try await database.createExtras()
        let lines = LogLines()
        try await database.createExtras(Self.policies, logger: lines.logger)
        let line = "warning: this edition of TimescaleDB has no such policies: the setting does nothing"
        #expect(lines.all == [line, line])
        #expect(lines.settings == ["TIMESCALEDB_COMPRESS_AFTER", "TIMESCALEDB_RETENTION"])
        #expect(lines.errors.allSatisfy { $0.hasSuffix("[SQLSTATE 0A000]") }, "\(lines.errors)")
        try await database.probe.execute(Self.ticks)
        #expect(try await database.probe.rows("SELECT count(*) FROM trade_data") == [["6"]])
    }

    @Test("Without TimescaleDB the settings do nothing, and say so")
    func plainTable() async throws {
        let database = try await CompletenessDatabase(isHypertable: false)
        try await database.createExtras()
        let lines = LogLines()
        try await database.createExtras(Self.policies, logger: lines.logger)
        let line = "warning: trade_data is no hypertable, so this setting does nothing"
        #expect(lines.all == [line, line])
    }

    @Test(
        "A policy that is there already stays, and is told when it is another one than the setting's",
        arguments: [("90 days", false), ("2160 hours", false), ("30 days", true)])
    func existingPolicy(_ age: String, _ differs: Bool) async throws {
        let database = try await CompletenessDatabase()
        try await database.createExtras()
        // What add_retention_policy leaves behind in the edition that has it.
        try await database.probe.execute(
            """
            INSERT INTO _timescaledb_config.bgw_job
                (application_name, schedule_interval, max_runtime, max_retries, retry_period, proc_schema, proc_name,
                scheduled, hypertable_id, config)
            SELECT 'Retention Policy', '1 day', '5 minutes', -1, '1 hour', '_timescaledb_functions',
                'policy_retention', false, id, jsonb_build_object('hypertable_id', id, 'drop_after', '\(age)')
            FROM _timescaledb_catalog.hypertable WHERE table_name = 'trade_data'
            """)
        let lines = LogLines()
        try await database.createExtras(AgePolicies(retention: "90 days"), logger: lines.logger)
        #expect(
            lines.all
                == (differs
                    ? [
                        "warning: trade_data has another policy than the setting asks for, and keeps it: remove it to have a new one"
                    ] : []))
        #expect(
            try await database.probe.rows(
                "SELECT config ->> 'drop_after' FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'")
                == [[age]])
    }

    @Test("The consumer tells once a process what the edition lacks, and works", .timeLimit(.minutes(1)))
    func process() async throws {
        let bench = try await ConsumerBench(partitions: 1)
        let consumer = try bench.startConsumer(["TIMESCALEDB_RETENTION": "90 days"])
        try bench.write(0..<10)
        try await bench.waitUntilWritten(10)
        try await bench.database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'consumer' AND datname = current_database()"
        )
        try bench.write(10..<20)
        try await bench.waitUntilWritten(20)
        try await consumer.errorLines(containing: "connected to the database", count: 2, within: .seconds(30))
        #expect(consumer.errors.elements.filter { $0.contains("has no such policies") }.count == 1)
        #expect(consumer.errors.elements.filter { $0.contains("candles_1m is a plain view") }.count == 1)
        #expect(try await bench.database.rows("SELECT sum(ticks) FROM candles_1m") == [["20"]])
        try await expectCleanStop(consumer)
    }
}

/// What a logger was told.
private final class LogLines: Sendable {
    private struct Line: Sendable {
        let text: String
        let metadata: Logger.Metadata
    }

    private let lines = Mutex<[Line]>([])

    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }
    /// "level: message", in order.
    var all: [String] { lines.withLock { $0.map(\.text) } }
    var settings: [String] { metadata("setting") }
    var errors: [String] { metadata("database.error") }

    private func metadata(_ key: String) -> [String] {
        lines.withLock { $0.compactMap { $0.metadata[key].map { "\($0)" } } }
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var logLevel = Logger.Level.debug
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock {
                $0.append(Line(text: "\(event.level): \(event.message)", metadata: event.metadata ?? [:]))
            }
        }
    }
}
