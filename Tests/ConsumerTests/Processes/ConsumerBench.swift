import Foundation
import Postgres
import TestSupport
import Testing

/// A broker, a database and the real consumer between them, for one test.
final class ConsumerBench {
    static let topic = "upbit_ticker"
    static let gaps = "upbit_ticker.gaps"

    let kafka: MockCluster
    let server: TimescaleServer
    let database: DatabaseProbe
    let writer: TopicWriter
    let partitions: Int

    /// - Parameters:
    ///   - server: nil is the one that all tests share.
    ///   - extension: false is a database without TimescaleDB.
    ///   - tablespace: of the server, where the database is kept.
    init(
        partitions: Int = 4, brokers: Int = 1, server: TimescaleServer? = nil, extension: Bool = true,
        tablespace: String? = nil
    ) async throws {
        kafka = try MockCluster(brokers: brokers)
        try kafka.createTopic(Self.topic, partitions: partitions)
        self.partitions = partitions
        if let server { self.server = server } else { self.server = try await TimescaleServer.shared }
        let name = "consumer_\(UUID().uuidString.lowercased().prefix(8))"
        database = DatabaseProbe(
            try await self.server.createDatabase(name, extension: `extension`, tablespace: tablespace))
        writer = try TopicWriter(Self.topic, servers: kafka.bootstrapServers)
    }

    /// Starts the real binary, with settings that make tests quick.
    ///
    /// - Parameter proxy: stands between it and the database.
    func startConsumer(_ extra: [String: String] = [:], through proxy: FaultProxy? = nil) throws -> ChildProcess {
        try ChildProcess(
            BuiltProduct.path("consumer"), environment: environment(extra, through: proxy), folder: "/tmp")
    }

    func environment(_ extra: [String: String], through proxy: FaultProxy? = nil) -> [String: String] {
        let environment = [
            "KAFKA_SERVERS": kafka.bootstrapServers,
            "KAFKA_TOPIC": Self.topic,
            // A killed member is missed sooner. The mock cluster takes 3 s to form a group, so not much less.
            "session.timeout.ms": "6000",
            "TIMESCALEDB_HOST": "127.0.0.1",
            "TIMESCALEDB_PORT": "\(proxy?.port ?? database.configuration.port)",
            "TIMESCALEDB_DBNAME": database.configuration.database,
            "ADMIN_PORT": "0",
            "LOG_LEVEL": "debug",
            "PATH": "/usr/bin:/bin",
        ]
        return environment.merging(extra) { _, extra in extra }
    }

    /// Starts a consumer that has written the frames 0 up to `frames`.
    func startConsumer(havingWritten frames: Int) async throws -> ChildProcess {
        let consumer = try startConsumer()
        try write(0..<frames)
        try await waitUntilWritten(frames)
        return consumer
    }

    /// A bad network to the database.
    func startProxy() async throws -> FaultProxy { try await FaultProxy.start(to: database.configuration.port) }

    /// A frame as short as it can be.
    static func frame(_ number: Int, code: String = "KRW-BTC", time: Int64 = 1_778_570_091_254) -> String {
        #"{"code":"\#(code)","trade_price":\#(number).50,"trade_volume":5e-07,"trade_timestamp":\#(time + Int64(number))}"#
    }

    /// Writes frames numbered from `range` over several markets, and returns when Kafka has them.
    ///
    /// - Parameter writer: nil is the bench's own.
    func write(_ range: Range<Int>, by other: TopicWriter? = nil) throws {
        let writer = other ?? writer
        for number in range {
            let code = "KRW-M\(number % 17)"
            try writer.write(key: code, value: Array(Self.frame(number, code: code).utf8))
        }
        try writer.flush()
    }

    /// Writes frames as a producer does: `numbers` are the frames' and, from 1 on, the producer's own.
    func write(_ numbers: some Sequence<Int>, from producer: String) throws {
        for number in numbers {
            let code = "KRW-M\(number % 17)"
            try writer.write(
                key: code, value: Array(Self.frame(number, code: code).utf8),
                headers: [("producer", producer), ("seq", "\(number + 1)"), ("received", "1778570091254000")])
        }
        try writer.flush()
    }

    /// The database's clock.
    func now() async throws -> String { try await database.rows("SELECT clock_timestamp()::text")[0][0] ?? "" }

    /// Writes these values, in their order, into one partition of the gaps' topic.
    func writeGaps(_ values: [String]) throws {
        let writer = try TopicWriter(Self.gaps, servers: kafka.bootstrapServers)
        for value in values { try writer.write(key: "producer", value: Array(value.utf8)) }
        try writer.flush()
    }

    /// Returns once the database has moved past `records` records of gaps.
    func waitForGaps(records: Int) async throws {
        try await database.wait(
            for: "SELECT sum(next_offset) FROM kafka_offsets WHERE topic = '\(Self.gaps)'", toBe: "\(records)")
    }

    /// Returns once a consumer has given the database rows of a batch, which have made a chunk, and gives it no more.
    func waitForOpenCopy() async throws {
        try await database.wait(
            for: """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'consumer' AND query LIKE 'COPY trade_data%'
                    AND state = 'active' AND wait_event = 'ClientRead' AND backend_xid IS NOT NULL
                """, toBe: "1", within: .seconds(60))
    }

    /// Returns once the database has moved past `records` records of ticks.
    func waitUntilWritten(_ records: Int, within limit: Duration = .seconds(60)) async throws {
        try await database.wait(
            for: "SELECT coalesce(sum(next_offset), 0) FROM kafka_offsets WHERE topic = '\(Self.topic)'",
            toBe: "\(records)", within: limit)
    }

    /// The invariants: rows + dead letters + repeats are the records up to the stored offsets, and the rows
    /// are the frames 0 up to `frames`, each once.
    func expectEveryFrameOnce(
        _ frames: Int, deadLetters: Int = 0, repeats: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let counts = try await database.rows(
            """
            SELECT (SELECT count(*) FROM trade_data), (SELECT count(*) FROM dead_letters WHERE topic = $1),
                sum(repeats_dropped), sum(next_offset) FROM kafka_offsets WHERE topic = $1
            """, [Self.topic])
        let records = frames + deadLetters + repeats
        #expect(
            counts == [["\(frames)", "\(deadLetters)", "\(repeats)", "\(records)"]], sourceLocation: sourceLocation)
        #expect(
            try await summary() == "\(frames), \(frames), 0, \(frames - 1)", sourceLocation: sourceLocation)
    }

    /// "rows, distinct numbers, lowest, highest": the numbers are the prices' whole parts.
    func summary() async throws -> String {
        let rows = try await database.rows(
            """
            SELECT count(*), count(DISTINCT trunc(trade_price)), trunc(min(trade_price)), trunc(max(trade_price))
            FROM trade_data
            """)
        return rows[0].map { $0 ?? "-" }.joined(separator: ", ")
    }
}
