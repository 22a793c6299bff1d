import Logging
import Postgres

/// The tables that the consumer writes, made when they are missing.
enum Schema {
    /// Creates what is missing, and adds the columns that an older version did not have. Several consumers
    /// may do so at once.
    ///
    /// Where everything is there a role needs no right to create or alter.
    ///
    /// - Parameter chunkInterval: a PostgreSQL interval, such as `1 day`.
    /// - Throws: ``SQLState/datatypeMismatch`` for a `trade_data` that would change what is written to it,
    ///   ``SQLState/insufficientPrivilege`` with the statement that the role may not run.
    static func create(
        in database: borrowing PostgresConnection, chunkInterval: String, logger: Logger
    ) throws(PostgresError) {
        try database.transaction { () throws(PostgresError) in
            try createMissing(in: database, chunkInterval: chunkInterval, logger: logger)
        }
    }

    /// Does what ``create(in:chunkInterval:logger:)`` would do, lets `body` look at it, and takes it back: only so
    /// is it known that it can be done.
    static func rehearse<Result>(
        in database: borrowing PostgresConnection, chunkInterval: String, logger: Logger,
        _ body: () throws(PostgresError) -> Result
    ) throws(PostgresError) -> Result {
        try database.execute("BEGIN")
        try createMissing(in: database, chunkInterval: chunkInterval, logger: logger)
        let result = try body()
        try database.execute("ROLLBACK")
        return result
    }

    /// The tables, and what the consumer does with each.
    static let privileges = [
        (table: "trade_data", privileges: ["SELECT", "INSERT"]),
        (table: "kafka_offsets", privileges: ["SELECT", "INSERT", "UPDATE"]),
        (table: "dead_letters", privileges: ["INSERT"]), (table: "gaps", privileges: ["SELECT", "INSERT", "UPDATE"]),
        (table: "market_hours", privileges: ["SELECT", "INSERT", "UPDATE"]),
    ]

    private static func createMissing(
        in database: borrowing PostgresConnection, chunkInterval: String, logger: Logger
    ) throws(PostgresError) {
        // CREATE … IF NOT EXISTS of two sessions can still collide; the lock makes them queue.
        try database.execute("SELECT pg_advisory_xact_lock(\(lockKey))")
        if try database.lacksRelation("trade_data") {
            try createTable(in: database, chunkInterval: chunkInterval, logger: logger)
        } else {
            try checkTable(in: database)
        }
        for (name, definition) in Bookkeeping.tables where try database.lacksRelation(name) {
            try run(definition, in: database)
        }
        let present = try columns(of: "kafka_offsets", in: database).keys
        if !Bookkeeping.addedColumns.allSatisfy({ present.contains($0.name) }) {
            try run(Bookkeeping.upgrade, in: database)
        }
        try CompletenessSchema.createAnswers(in: database, logger: logger)
    }

    /// Runs a statement for which the role may lack the right: then somebody else has to.
    private static func run(
        _ statement: String, in database: borrowing PostgresConnection
    ) throws(PostgresError) {
        do {
            try database.execute(statement)
        } catch {
            guard error.sqlState == SQLState.insufficientPrivilege else { throw error }
            throw PostgresError(
                sqlState: error.sqlState, message: "\(error.message): run as the owner of the tables: \(statement)")
        }
    }

    /// The types of a table's columns, by name.
    private static func columns(
        of table: String, in database: borrowing PostgresConnection
    ) throws(PostgresError) -> [String: String] {
        let columns = try database.query(
            """
            SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
            WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
            """, [table])
        var types: [String: String] = [:]
        for row in 0..<columns.rowCount { types[columns.text(row, 0) ?? ""] = columns.text(row, 1) }
        return types
    }

    /// A table that somebody else made must take every digit and every trade.
    private static func checkTable(in database: borrowing PostgresConnection) throws(PostgresError) {
        let types = try columns(of: "trade_data", in: database)
        let expected = [
            "time": "timestamp with time zone", "code": "text", "trade_price": "numeric", "trade_volume": "numeric",
        ]
        for (name, type) in expected.sorted(by: { $0.key < $1.key }) where types[name] != type {
            throw misfit(
                "column \(name) of trade_data is \(types[name] ?? "missing") and must be \(type), which keeps every digit: "
                    + "ALTER TABLE trade_data ALTER COLUMN \(name) TYPE \(type)")
        }
        let keys = try database.query(
            "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'trade_data'::regclass AND indisunique")
        if let key = keys.text(0, 0) {
            throw misfit("\(key) makes trade_data refuse equal trades in one millisecond, which are legal: drop it")
        }
    }

    private static func misfit(_ message: String) -> PostgresError {
        PostgresError(sqlState: SQLState.datatypeMismatch, message: message)
    }

    /// "tick" in ASCII: any number that nobody else takes.
    static let lockKey = 0x7469_636B

    private static func createTable(
        in database: borrowing PostgresConnection, chunkInterval: String, logger: Logger
    ) throws(PostgresError) {
        // No unique key: equal trades in the same millisecond are legal, and a key would lose them.
        try run(
            """
            CREATE TABLE trade_data (
                time timestamptz NOT NULL,
                code text NOT NULL,
                trade_price numeric,
                trade_volume numeric
            )
            """, in: database)
        if try hasTimescaleDB(database) {
            _ = try database.query(
                "SELECT create_hypertable('trade_data', by_range('time', $1::interval))", [chunkInterval])
        } else {
            logger.warning(
                """
                TimescaleDB is not installed in this database: trade_data is a plain table. \
                To have a hypertable, install the extension before the first start.
                """)
            try database.execute("CREATE INDEX trade_data_time_idx ON trade_data (time DESC)")
        }
        try database.execute("CREATE INDEX trade_data_code_time_idx ON trade_data (code, time DESC)")
    }

    /// True when the extension is there, or could be created.
    private static func hasTimescaleDB(_ database: borrowing PostgresConnection) throws(PostgresError) -> Bool {
        let installed = "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"
        if try database.query(installed).rowCount > 0 { return true }
        let available = "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
        guard try database.query(available).rowCount > 0 else { return false }
        // Creating it takes rights that the service's role need not have.
        try database.execute("SAVEPOINT extension")
        do {
            try database.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            return true
        } catch {
            guard error.sqlState != nil else { throw error }
            try database.execute("ROLLBACK TO SAVEPOINT extension")
            return false
        }
    }
}
