import Foundation
import Postgres
import Runtime
import TestSupport

/// A mock cluster, a database and one consumer that has to live through all of the records.
struct FuzzWorld {
    private static let topic = "upbit_ticker"
    private static let partitions = 16
    /// A partition of the mock cluster keeps 5 MiB; keys are not spread evenly.
    private static let roundBytes = partitions << 20

    private let kafka: MockCluster
    private let server: TimescaleServer
    private let database: DatabaseProbe
    private let writer: TopicWriter
    private let consumer: ChildProcess
    private let thread = DedicatedThread(name: "fuzz")

    init() async throws {
        kafka = try MockCluster()
        try kafka.createTopic(Self.topic, partitions: Self.partitions)
        server = try await TimescaleServer(extraSettings: ["fsync": "off"])
        let configuration = try await server.createDatabase("fuzz")
        database = DatabaseProbe(configuration)
        try await database.execute(Expectation.tables)
        writer = try TopicWriter(Self.topic, servers: kafka.bootstrapServers)
        consumer = try ChildProcess(
            BuiltProduct.path("consumer"),
            environment: [
                "ADMIN_PORT": "0", "KAFKA_SERVERS": kafka.bootstrapServers, "KAFKA_TOPIC": Self.topic,
                "TIMESCALEDB_HOST": "127.0.0.1", "TIMESCALEDB_PORT": "\(configuration.port)",
                "TIMESCALEDB_DBNAME": configuration.database,
                // Fuzzed times lie anywhere in a century.
                "TIMESCALEDB_CHUNK_INTERVAL": "1000 days",
                "LOG_LEVEL": "error", "PATH": "/usr/bin:/bin",
            ], folder: "/tmp")
    }

    /// Sends at most `limit` records, fewer when they are large, and returns when the consumer is through and
    /// the database has what it must have.
    ///
    /// - Returns: how many were sent.
    func round(of limit: Int, from fuzzer: inout RecordFuzzer, _ totals: inout FuzzTotals) async throws {
        var expectation = Expectation()
        var bytes = 0
        for _ in 0..<limit where bytes < Self.roundBytes {
            let record = fuzzer.next()
            try writer.write(key: record.key, value: record.value, headers: record.headers)
            expectation.add(record)
            bytes += (record.value?.count ?? 0) + 100
        }
        try writer.flush()
        totals += expectation
        try await consumed(totals.records)
        try await check(expectation, totals)
    }

    private func consumed(_ records: Int) async throws {
        do {
            try await database.wait(
                for: "SELECT coalesce(sum(next_offset), 0) FROM kafka_offsets WHERE topic = '\(Self.topic)'",
                toBe: "\(records)", within: .seconds(120))
        } catch {
            throw SetupError("\(error); the consumer said: \(consumer.errors.elements.suffix(5))")
        }
    }

    /// Ends the consumer, which must still be there and leave in order, and the pieces around it.
    func stop() async throws {
        consumer.send(SIGTERM)
        let exit = try await consumer.exitStatus(within: .seconds(10))
        guard exit == .code(0) else { throw SetupError("the consumer ended with \(exit)") }
        try await server.stop()
    }
}

extension FuzzWorld {
    /// Compares the tables with what they must hold, row by row, and empties them for the next round.
    private func check(_ expectation: Expectation, _ totals: FuzzTotals) async throws {
        try await copy(expectation.rows, "COPY expected_rows FROM STDIN")
        try await copy(expectation.deadLetters, "COPY expected_letters FROM STDIN")
        try await expectNothing("rows that differ from a second reading", Self.differingRows)
        try await expectNothing("dead letters that differ from what was sent", Self.differingLetters)
        let dropped = try await database.rows(
            "SELECT sum(repeats_dropped) FROM kafka_offsets WHERE topic = '\(Self.topic)'")
        guard dropped == [["\(totals.repeats)"]] else {
            throw SetupError("\(dropped) repeats and not \(totals.repeats)")
        }
        try await database.execute(
            """
            INSERT INTO checked_hours
            SELECT code, date_trunc('hour', time, 'UTC'), count(*), sum(trade_volume) FROM trade_data GROUP BY 1, 2;
            TRUNCATE trade_data, dead_letters, expected_rows, expected_letters
            """)
        try await expectNothing("hours whose figures are not their rows' sums", Self.differingHours)
    }

    private func copy(_ text: [UInt8], _ statement: String) async throws {
        let configuration = database.configuration
        try await thread.run {
            let connection = try PostgresConnection(configuration)
            _ = try text.withUnsafeBytes { bytes in
                Result { () throws(PostgresError) in try connection.copyIn(statement, bytes) }
            }.get()
        }
    }

    private func expectNothing(_ what: String, _ query: String) async throws {
        let found = try await database.rows(query)
        guard found.isEmpty else { throw SetupError("\(what), such as \(found.prefix(3))") }
    }

    private static let differingRows = """
        WITH expected AS (
            SELECT 'epoch'::timestamptz + milliseconds * interval '1 millisecond' AS time, code, trade_price, trade_volume
            FROM expected_rows
        ), written AS (SELECT time, code, trade_price, trade_volume FROM trade_data)
        (SELECT 'lost', * FROM (TABLE expected EXCEPT ALL TABLE written) AS lost)
        UNION ALL (SELECT 'made up', * FROM (TABLE written EXCEPT ALL TABLE expected) AS made_up)
        LIMIT 3
        """

    private static let differingLetters = """
        WITH written AS (SELECT value FROM dead_letters)
        (SELECT 'lost', left(encode(value, 'escape'), 2000) FROM (TABLE expected_letters EXCEPT ALL TABLE written) AS lost)
        UNION ALL (SELECT 'made up', left(encode(value, 'escape'), 2000) FROM (TABLE written EXCEPT ALL TABLE expected_letters) AS made_up)
        LIMIT 3
        """

    private static let differingHours = """
        SELECT * FROM (SELECT code, hour, ticks, volume FROM market_hours) AS told
        FULL JOIN (SELECT code, hour, sum(ticks) AS ticks, sum(volume) AS volume FROM checked_hours GROUP BY 1, 2) AS counted
            USING (code, hour)
        WHERE told.ticks IS DISTINCT FROM counted.ticks OR told.volume IS DISTINCT FROM counted.volume
        LIMIT 3
        """
}
