import Foundation
import Postgres
import TestSupport

/// A broker, a database and the real consumer between them, for one test.
final class ConsumerBench {
    static let topic = "upbit_ticker"

    let kafka: MockCluster
    let server: TimescaleServer
    let database: DatabaseProbe
    let writer: TopicWriter
    let partitions: Int

    /// - Parameters:
    ///   - server: nil is the one that all tests share.
    ///   - extension: false is a database without TimescaleDB.
    init(partitions: Int = 4, server: TimescaleServer? = nil, extension: Bool = true) async throws {
        kafka = try MockCluster()
        try kafka.createTopic(Self.topic, partitions: partitions)
        self.partitions = partitions
        if let server { self.server = server } else { self.server = try await TimescaleServer.shared }
        let name = "consumer_\(UUID().uuidString.lowercased().prefix(8))"
        database = DatabaseProbe(try await self.server.createDatabase(name, extension: `extension`))
        writer = try TopicWriter(Self.topic, servers: kafka.bootstrapServers)
    }

    /// Starts the real binary, with settings that make tests quick.
    func startConsumer(_ extra: [String: String] = [:]) throws -> ChildProcess {
        var environment = [
            "KAFKA_SERVERS": kafka.bootstrapServers,
            "KAFKA_TOPIC": Self.topic,
            // A killed member is missed sooner. The mock cluster takes 3 s to form a group, so not much less.
            "session.timeout.ms": "6000",
            "TIMESCALEDB_HOST": "127.0.0.1",
            "TIMESCALEDB_PORT": "\(database.configuration.port)",
            "TIMESCALEDB_DBNAME": database.configuration.database,
            "LOG_LEVEL": "debug",
            "PATH": "/usr/bin:/bin",
        ]
        environment.merge(extra) { _, extra in extra }
        return try ChildProcess(BuiltProduct.path("consumer"), environment: environment, folder: "/tmp")
    }

    /// A frame as short as it can be.
    static func frame(_ number: Int, code: String = "KRW-BTC", time: Int64 = 1_778_570_091_254) -> String {
        #"{"code":"\#(code)","trade_price":\#(number).50,"trade_volume":5e-07,"trade_timestamp":\#(time + Int64(number))}"#
    }

    /// Writes frames numbered from `range` over several markets, and returns when Kafka has them.
    func write(_ range: Range<Int>) throws {
        for number in range {
            let code = "KRW-M\(number % 17)"
            try writer.write(key: code, value: Array(Self.frame(number, code: code).utf8))
        }
        try writer.flush()
    }

    /// Returns once the database has moved past `records` records.
    func waitUntilWritten(_ records: Int, within limit: Duration = .seconds(60)) async throws {
        try await database.wait(
            for: "SELECT coalesce(sum(next_offset), 0) FROM kafka_offsets", toBe: "\(records)", within: limit)
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
