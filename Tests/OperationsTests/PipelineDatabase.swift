import Foundation
import Logging
import Postgres
import Runtime
import TestSupport

@testable import Consumer
@testable import Loader

/// A database with the tables of consumer and loader, and six hours in them: what the dashboards ask.
struct PipelineDatabase {
    private let configuration: PostgresConfiguration
    private let thread = DedicatedThread(name: "dashboards")

    /// - Parameter isHypertable: false is a `trade_data` that is a plain table, in a database without TimescaleDB.
    init(isHypertable: Bool) async throws {
        let name = "dashboards_\(UUID().uuidString.lowercased().prefix(8))"
        let configuration = try await TimescaleServer.shared.createDatabase(name, extension: isHypertable)
        self.configuration = configuration
        try await thread.run {
            let database = try PostgresConnection(configuration)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            if !isHypertable {
                try database.execute(
                    "CREATE TABLE trade_data (time timestamptz NOT NULL, code text NOT NULL, trade_price numeric, trade_volume numeric)"
                )
            }
            try Schema.create(in: database, chunkInterval: "1 day", logger: logger)
            try Schema.createExtras(in: database, policies: AgePolicies(), logger: logger)
            for (_, statement) in LedgerEntry.schema { try database.execute(statement) }
            try database.execute(Self.hours)
        }
    }

    /// What a statement answers.
    struct Answer {
        /// Their names and the object ids of their types.
        let columns: [(name: String, type: UInt32)]
        let rows: [[String?]]
    }

    func answer(to statement: String) async throws -> Answer {
        try await thread.run { [configuration] in
            let result = try PostgresConnection(configuration).query(statement)
            let columns = 0..<result.columnCount
            return Answer(
                columns: columns.map { (result.columnName($0), result.columnType($0)) },
                rows: (0..<result.rowCount).map { row in columns.map { result.text(row, $0) } })
        }
    }

    /// Tries statements, and undoes what they did.
    ///
    /// - Returns: what the server says against them; nil when they ran.
    func refusal(of statements: String) async throws -> PostgresError? {
        try await thread.run { [configuration] in
            let database = try PostgresConnection(configuration)
            try database.execute("BEGIN")
            let refusal = try database.refusal(of: statements)
            try database.execute("ROLLBACK")
            return refusal
        }
    }

    /// Ticks of two markets, an hour with something missing, a gap, and what the services noted.
    private static let hours = """
        INSERT INTO trade_data
        SELECT '2026-05-12T00:00:00Z'::timestamptz + n * interval '10 seconds', code, 100 + n % 17, 0.5
        FROM generate_series(0, 2159) AS n, unnest(ARRAY['BTC', 'ETH']) AS code;
        INSERT INTO market_hours
        SELECT code, '2026-05-12T00:00:00Z'::timestamptz + n * interval '1 hour', 360, 180, 0, 0, 0, 0, 0,
            n * 180 + CASE WHEN n > 3 THEN 1 ELSE 0 END, n * 180 + CASE WHEN n >= 3 THEN 181 ELSE 180 END
        FROM generate_series(0, 5) AS n, unnest(ARRAY['BTC', 'ETH']) AS code;
        INSERT INTO gaps VALUES ('p', '2026-05-12T03:10:00Z', '2026-05-12T03:10:09Z', 'disconnect');
        INSERT INTO kafka_offsets (topic, partition, next_offset, last_event_time)
        VALUES ('upbit_ticker', 0, 4320, '2026-05-12T05:59:50Z');
        INSERT INTO warehouse_loads (warehouse_table, hour, state, load_id, rows, started_at)
        VALUES ('upbit.trade_data', '2026-05-12T01:00:00Z', 'published', 'a', 720, '2026-05-12T02:05:00Z')
        """
}
