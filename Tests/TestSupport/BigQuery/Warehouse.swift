import Postgres
import Runtime

/// The fake's datasets and tables, kept in a PostgreSQL database that really runs the statements.
///
/// An actor on a thread of its own, since libpq's calls block.
actor Warehouse {
    private let thread = DedicatedThread(name: "fake-bigquery")
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private let configuration: PostgresConfiguration
    private var connection: PostgresConnection
    private let options: FakeBigQuery.Options

    private var datasets: [String: JSON] = [:]
    private var tables: [TableName: TableDefinition] = [:]
    /// When a table last received streamed rows.
    private var streamed: [TableName: Int64] = [:]
    /// When a row with this id was last taken.
    private var insertIDs: [TableName: [String: Int64]] = [:]
    /// Rows that no query sees yet, as COPY's lines, and how many queries that will be.
    private var unseen: [TableName: (lines: [UInt8], queries: Int)] = [:]
    private var lastSweep: Int64 = 0
    private var lastExpiry: Int64 = 0

    init(_ configuration: PostgresConfiguration, options: FakeBigQuery.Options) throws {
        self.configuration = configuration
        self.options = options
        connection = try Self.connect(configuration)
    }

    private static func connect(_ configuration: PostgresConfiguration) throws(PostgresError) -> PostgresConnection {
        let connection = try PostgresConnection(configuration)
        try connection.execute(SQLFunctions.install)
        return connection
    }

    // MARK: Datasets and tables

    func dataset(_ name: String, project: String) throws(GoogleError) -> JSON {
        guard let dataset = datasets[name] else { throw .notFound("Dataset \(project):\(name)") }
        return dataset
    }

    func createDataset(_ name: String, _ resource: JSON, project: String) throws(GoogleError) -> JSON {
        if datasets[name] != nil { throw .duplicate("Dataset \(project):\(name)") }
        try execute("CREATE SCHEMA IF NOT EXISTS \"\(name)\"")
        datasets[name] = resource
        return resource
    }

    func table(_ name: TableName, project: String) throws(GoogleError) -> TableDefinition {
        guard let table = tables[name] else { throw .notFound("Table \(project):\(name.dataset).\(name.table)") }
        return table
    }

    func createTable(_ table: TableDefinition, project: String) throws(GoogleError) {
        _ = try dataset(table.name.dataset, project: project)
        if tables[table.name] != nil { throw .duplicate("Table \(project):\(table.name.dataset).\(table.name.table)") }
        try execute(table.createStatement)
        tables[table.name] = table
    }

    func dropTable(_ name: TableName, project: String) throws(GoogleError) {
        try execute("DROP TABLE \(try table(name, project: project).name.quoted)")
        tables[name] = nil
        streamed[name] = nil
        insertIDs[name] = nil
    }

    // MARK: Rows

    /// Writes the rows whose ids were not seen within the window.
    func append(_ request: InsertAllRequest, to table: TableName, now: Int64) throws(GoogleError) {
        sweep(now)
        try expirePartitions(now)
        var lines: [UInt8] = []
        var seen = insertIDs[table] ?? [:]
        let horizon = now - options.insertIDWindow.microseconds
        for row in request.rows {
            if let id = row.insertID, options.insertIDWindow > .zero {
                if let last = seen[id], last > horizon { continue }
                seen[id] = now
            }
            lines.append(contentsOf: request.lines[row.line])
        }
        guard !lines.isEmpty else { return }
        try show(table)
        if options.queriesUntilRowsAreSeen > 0 {
            unseen[table] = (lines, options.queriesUntilRowsAreSeen)
        } else {
            try copy(lines, to: table)
        }
        insertIDs[table] = seen
        streamed[table] = now
    }

    private func show(_ table: TableName) throws(GoogleError) {
        guard let rows = unseen.removeValue(forKey: table) else { return }
        try copy(rows.lines, to: table)
    }

    /// A query that reads `table` is about to run.
    private func countQuery(of table: TableName) throws(GoogleError) {
        guard let queries = unseen[table]?.queries else { return }
        if queries == 0 { try show(table) } else { unseen[table]?.queries -= 1 }
    }

    /// Forgets old ids, once a window.
    private func sweep(_ now: Int64) {
        let horizon = now - options.insertIDWindow.microseconds
        guard lastSweep < horizon else { return }
        lastSweep = now
        insertIDs = insertIDs.mapValues { $0.filter { $0.value > horizon } }
    }

    /// Deletes what has expired, once an hour.
    private func expirePartitions(_ now: Int64) throws(GoogleError) {
        guard now - lastExpiry >= 3_600_000_000 else { return }
        lastExpiry = now
        for table in tables.values {
            if let statement = table.expiryStatement(now: now) { try execute(statement) }
        }
    }

    private func copy(_ lines: [UInt8], to table: TableName) throws(GoogleError) {
        try reconnectIfNeeded()
        let statement = "COPY \(table.quoted) FROM STDIN"
        let result = lines.withUnsafeBytes { bytes in
            Result { () throws(PostgresError) in try connection.copyIn(statement, bytes) }
        }
        if case .failure(let error) = result { throw GoogleError(error) }
    }

    // MARK: Statements

    /// Runs a translated statement with the values of its parameters.
    func run(
        _ translation: SQLTranslation, values: [String?], project: String, now: Int64
    ) throws(GoogleError) -> QueryResult {
        try expirePartitions(now)
        for name in translation.tables { _ = try table(name, project: project) }
        if let name = translation.changedTable { try checkStreamingBuffer(of: name, project: project, now: now) }
        for name in Set(translation.tables) { try countQuery(of: name) }
        let isMerge = translation.kind == .merge
        let statement = isMerge ? QueryResult.countingMerge(translation.statement) : translation.statement
        return try query(statement, values, translation.kind)
    }

    /// Streamed rows cannot be changed for half an hour.
    private func checkStreamingBuffer(of name: TableName, project: String, now: Int64) throws(GoogleError) {
        guard let last = streamed[name], now - last < options.streamingBufferAge.microseconds else { return }
        throw .invalidQuery(
            "UPDATE or DELETE statement over table \(project).\(name.dataset).\(name.table) would affect rows in the "
                + "streaming buffer, which is not supported")
    }

    /// Runs a statement of PostgreSQL's.
    func query(
        _ statement: String, _ values: [String?] = [], _ kind: SQLTranslation.Kind = .query
    ) throws(GoogleError) -> QueryResult {
        try reconnectIfNeeded()
        do {
            return try QueryResult(try connection.query(statement, values), kind)
        } catch let error as PostgresError {
            throw GoogleError(error)
        } catch let error as GoogleError {
            throw error
        } catch {
            throw GoogleError(500, "internalError", "\(error)")
        }
    }

    private func execute(_ statement: String) throws(GoogleError) {
        try reconnectIfNeeded()
        do { try connection.execute(statement) } catch { throw GoogleError(error) }
    }

    /// The server may have been restarted since.
    private func reconnectIfNeeded() throws(GoogleError) {
        guard !connection.isOpen else { return }
        do { connection = try Self.connect(configuration) } catch { throw GoogleError(error) }
    }
}

extension GoogleError {
    fileprivate init(_ error: PostgresError) {
        if error.sqlState?.hasPrefix("40") == true {
            self = .invalidQuery("Could not serialize access to table due to concurrent update")
        } else if ["42P01", "3F000"].contains(error.sqlState) {
            // No such table, or no such schema.
            self.init(404, "notFound", error.description)
        } else if error.isRetriable {
            self.init(503, "backendError", error.description)
        } else {
            self = .invalidQuery(error.description)
        }
    }
}
