import Foundation
import Logging
import Market
import Postgres
import Runtime
import TestSupport
import Testing

@testable import Loader

/// A source database, a fake BigQuery and a loader between them, for one test.
struct LoadRig {
    let source: PostgresConfiguration
    /// Where the fake keeps its tables, to do to them what no client could.
    let warehouse: PostgresConfiguration
    let fake: FakeBigQuery
    var variables: [String: String]
    /// Of the final table.
    var dataset = "upbit" {
        didSet { variables["BIGQUERY_DATASET"] = dataset }
    }

    static let hour = ClockHour(number: 490_901)  // 2026-01-01T05

    /// Waits of a few milliseconds, so that a test that meets failures is no slower than one that does not.
    static let impatient: RetryLimits = {
        let quick = RetryLimits.Limit(tries: 20, base: .milliseconds(1), longest: .milliseconds(20))
        return RetryLimits(
            transient: quick, rateLimited: quick, quotaExceeded: quick,
            newTable: .init(
                tries: 200, base: .milliseconds(5), longest: .milliseconds(20)), job: quick,
            poll: .init(tries: 500, base: .milliseconds(1), longest: .milliseconds(20)), query: quick, staged: quick)
    }()

    /// The same, but what passes by itself is not waited for.
    static let withoutRetries: RetryLimits = {
        var limits = impatient
        limits.transient = .init(tries: 1, base: .zero, longest: .zero)
        return limits
    }()

    /// Starts the fake, makes both databases, and stops the fake in the end.
    static func with(
        _ options: FakeBigQuery.Options = .init(), _ body: (inout LoadRig) async throws -> Void
    ) async throws {
        let server = try await TimescaleServer.shared
        let name = UUID().uuidString.lowercased()
        let source = try await server.createDatabase("source-\(name)", extension: false)
        let warehouse = try await server.createDatabase("warehouse-\(name)", extension: false)
        let fake = try await FakeBigQuery(database: warehouse, options: options)
        var rig = LoadRig(
            source: source, warehouse: warehouse, fake: fake,
            variables: [
                "TIMESCALEDB_HOST": source.host, "TIMESCALEDB_PORT": String(source.port),
                "TIMESCALEDB_DBNAME": source.database, "BIGQUERY_EMULATOR_HOST": fake.host,
                "BIGQUERY_PROJECT": fake.projectID, "LOADER_BATCH_ROWS": "100", "HOME": "/nonexistent",
                "ADMIN_PORT": "0",
            ])
        do {
            try await rig.execute(
                """
                CREATE TABLE trade_data (time timestamptz NOT NULL, code text NOT NULL, trade_price numeric,
                    trade_volume numeric)
                """)
            try await body(&rig)
        } catch {
            try? await fake.stop()
            throw error
        }
        try await fake.stop()
    }

    /// Loads as the program does when it is given an hour.
    func load(
        _ hour: ClockHour = hour, limits: RetryLimits = impatient, replacing: Bool = false
    ) async throws -> HourReport {
        try await withLoader(limits, replacing: replacing) { loader in
            var watch = ClosingWatch(limit: loader.closeTimeout)
            return try await loader.load(hour, waiting: &watch)
        }
    }

    /// Loads as the program does when it is given a range.
    func load(_ hours: Range<ClockHour>, limits: RetryLimits = impatient) async throws -> [HourReport] {
        try await withLoader(limits) { loader in
            var watch = ClosingWatch(limit: loader.closeTimeout)
            var reports: [HourReport] = []
            for hour in hours { reports.append(try await loader.load(hour, waiting: &watch)) }
            return reports
        }
    }

    /// Loads as the program does when it is given nothing; the hour behind `hours` is the current one.
    @discardableResult
    func catchUp(_ hours: Range<ClockHour>, limits: RetryLimits = impatient) async throws -> Int {
        try await withLoader(limits) { try await $0.catchUp(hours) }
    }

    private func withLoader<Result: Sendable>(
        _ limits: RetryLimits, replacing: Bool = false, _ body: @Sendable @escaping (HourLoader) async throws -> Result
    ) async throws -> Result {
        let settings = try LoaderSettings(in: Environment(variables))
        let logger = Logger(label: "loader") { _ in SwiftLogNoOpLogHandler() }
        return try await HourLoader.with(settings, limits: limits, replacing: replacing, logger: logger, body)
    }

    /// The error with which a load fails; nil when it does not.
    func failure(limits: RetryLimits = impatient) async -> (any Error)? {
        do {
            _ = try await load(limits: limits)
            return nil
        } catch {
            return error
        }
    }

    /// Runs statements on the source, or on another database.
    func execute(_ statements: String, in database: PostgresConfiguration? = nil) async throws {
        let database = database ?? source
        try await DedicatedThread(name: "test").run { try PostgresConnection(database).execute(statements) }
    }

    /// The rows of a query on the source, each with `|` between its values.
    func query(_ statement: String) async throws -> [String] {
        let source = source
        return try await DedicatedThread(name: "test").run {
            let result = try PostgresConnection(source).query(statement)
            return (0..<result.rowCount).map { row in
                (0..<result.columnCount).map { result.text(row, $0) ?? "NULL" }.joined(separator: "|")
            }
        }
    }

    /// How many ``addTrades(_:to:)`` adds beside those that it is told.
    static let specialTrades = 4

    /// Adds trades of the hour: its first and its last millisecond, two equal ones, and `count` more
    /// with as many digits as the exchange sends.
    func addTrades(_ count: Int, to hour: ClockHour = hour) async throws {
        try await execute(
            """
            INSERT INTO trade_data SELECT timestamptz '\(hour.start)' + i % 3599 * interval '1 s'
                    + i * interval '1 us', 'C' || i % 50, (i::bigint * 7919 % 169900000)::numeric / 1000,
                    (i::bigint * 104729 % 1000000007)::numeric / 100000000
                FROM generate_series(1, \(count)) AS i;
            INSERT INTO trade_data VALUES
                (timestamptz '\(hour.start)', 'FIRST', 122720000.00000000, 0.00020372),
                (timestamptz '\(hour.next.start)' - interval '1 ms', 'LAST', 0.000485, 10355647827.38891),
                (timestamptz '\(hour.start)', 'EQUAL', 1E-8, 5e-07), (timestamptz '\(hour.start)', 'EQUAL', 1E-8, 5e-07)
            """)
    }

    /// Adds trades and loads their hour; the final table's rows.
    @discardableResult
    func publish(_ count: Int) async throws -> [String] {
        try await addTrades(count)
        _ = try await load()
        return try await finalRows()
    }

    /// Lets the loader be, for the length of `body`, a role with the rights that the ledger's tables and
    /// `trade_data` need. They have to exist.
    mutating func withRole(_ body: (LoadRig) async throws -> Void) async throws {
        let role = "loader_\(UUID().uuidString.prefix(8).lowercased())"
        try await execute(
            """
            CREATE ROLE \(role) LOGIN;
            GRANT SELECT ON trade_data TO \(role);
            GRANT SELECT, INSERT, UPDATE, DELETE ON warehouse_loads, warehouse_rejects TO \(role)
            """)
        let owner = variables["TIMESCALEDB_USER"]
        variables["TIMESCALEDB_USER"] = role
        defer { variables["TIMESCALEDB_USER"] = owner }
        try await body(self)
        try await execute("DROP OWNED BY \(role); DROP ROLE \(role)")
    }

    /// Creates the consumer's table of its progress, as far as the loader reads it.
    func addProgressTable() async throws {
        try await execute(
            """
            CREATE TABLE kafka_offsets (topic text NOT NULL, partition integer NOT NULL, next_offset bigint NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now(), last_event_time timestamptz, caught_up_at timestamptz,
                PRIMARY KEY (topic, partition))
            """)
    }

    /// Says how far a partition has come; nil is nothing yet.
    func progress(
        _ partition: Int, lastEvent: String? = nil, caughtUp: String? = nil, topic: String = "upbit_ticker"
    ) async throws {
        let times = [lastEvent, caughtUp].map { $0.map { "'\($0)'" } ?? "NULL" }.joined(separator: ", ")
        try await execute(
            """
            INSERT INTO kafka_offsets (topic, partition, next_offset, last_event_time, caught_up_at)
            VALUES ('\(topic)', \(partition), 0, \(times)) ON CONFLICT (topic, partition) DO UPDATE SET
                last_event_time = excluded.last_event_time, caught_up_at = excluded.caught_up_at
            """)
    }

    /// What the source holds of an hour and the final table should: code, microseconds, price, volume.
    func sourceRows(_ hour: ClockHour = hour) async throws -> [String] {
        try await query(
            """
            SELECT \(Self.spelling(price: "trade_price", volume: "trade_volume"))
            FROM trade_data WHERE time >= '\(hour.start)' AND time < '\(hour.next.start)'
            """
        ).sorted()
    }

    /// Rows of an hour that BigQuery refused, in the same spelling, each load for itself.
    func refusedRows(_ hour: ClockHour) async throws -> [[String]] {
        let rows = try await query(
            """
            SELECT load_id, \(Self.spelling(price: "price", volume: "volume"))
            FROM warehouse_rejects WHERE warehouse_table LIKE '%.\(dataset).%' AND hour = '\(hour.start)'
            """)
        let loads = Dictionary(grouping: rows.map { $0.split(separator: "|", maxSplits: 1) }) { $0[0] }
        return loads.values.map { $0.map { String($0[1]) } }
    }

    private static func spelling(price: String, volume: String) -> String {
        "code, (extract(epoch FROM time) * 1000000)::bigint, trim_scale(\(price)), trim_scale(\(volume))"
    }

    /// The whole final table, in the same spelling.
    func finalRows() async throws -> [String] { try await finalRowsByHour().values.flatMap(\.self).sorted() }

    /// The same, each hour for itself.
    func finalRowsByHour() async throws -> [ClockHour: [String]] {
        let rows = try await fake.rows(dataset, "trade_data").map { row in
            let numbers = try ["trade_price", "trade_volume"].map { try Numeric(row[$0] ?? "").description }
            return [row["code"] ?? "", row["time"] ?? ""].appending(numbers).joined(separator: "|")
        }
        return Dictionary(grouping: rows.sorted()) { row in
            let microseconds = row.split(separator: "|").dropFirst().first.flatMap { Int($0) } ?? 0
            return ClockHour(number: microseconds / 3_600_000_000)
        }
    }

    func ledger() async throws -> [String] {
        try await query("SELECT hour, state, rows, rejected_rows, attempts FROM warehouse_loads ORDER BY hour")
    }

    /// The same without attempts, for the table of this dataset alone.
    func ledgerOfTable() async throws -> [String] {
        try await query(
            """
            SELECT hour, state, rows, rejected_rows FROM warehouse_loads
            WHERE warehouse_table LIKE '%.\(dataset).%' ORDER BY hour
            """)
    }

    /// Returns when a request of `endpoint` was answered, with `status` if one is given.
    func request(_ endpoint: Endpoint, status: Int? = nil, after position: Int = 0) async throws {
        _ = try await fake.exchanges.first(after: position, within: .seconds(60), "a request: \(endpoint)") {
            $0.endpoint == endpoint && (status == nil || $0.status == status)
        }
    }

    func requests(_ endpoint: Endpoint) -> Int { fake.exchanges.elements.count { $0.endpoint == endpoint } }
}

extension Array {
    fileprivate func appending(_ more: [Element]) -> [Element] { self + more }
}
