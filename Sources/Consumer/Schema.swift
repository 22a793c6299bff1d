import Logging
import Postgres

/// The tables that the consumer writes, made when they are missing.
enum Schema {
    /// Creates what is missing and changes nothing that is there. Several consumers may do so at once.
    ///
    /// - Parameter chunkInterval: a PostgreSQL interval, such as `1 day`.
    static func create(
        in database: borrowing PostgresConnection, chunkInterval: String, logger: Logger
    ) throws(PostgresError) {
        try database.transaction { () throws(PostgresError) in
            // CREATE … IF NOT EXISTS of two sessions can still collide; the lock makes them queue.
            try database.execute("SELECT pg_advisory_xact_lock(\(lockKey))")
            if try database.query("SELECT to_regclass('trade_data')").text(0, 0) == nil {
                try createTable(in: database, chunkInterval: chunkInterval, logger: logger)
            }
            try database.execute(bookkeeping)
        }
    }

    /// "tick" in ASCII: any number that nobody else takes.
    private static let lockKey = 0x7469_636B

    private static func createTable(
        in database: borrowing PostgresConnection, chunkInterval: String, logger: Logger
    ) throws(PostgresError) {
        // No unique key: equal trades in the same millisecond are legal, and a key would lose them.
        try database.execute(
            """
            CREATE TABLE trade_data (
                time timestamptz NOT NULL,
                code text NOT NULL,
                trade_price numeric,
                trade_volume numeric
            )
            """)
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

    private static let bookkeeping = """
        CREATE TABLE IF NOT EXISTS kafka_offsets (
            topic text NOT NULL,
            partition integer NOT NULL,
            next_offset bigint NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (topic, partition)
        );
        CREATE TABLE IF NOT EXISTS dead_letters (
            topic text NOT NULL,
            partition integer NOT NULL,
            kafka_offset bigint NOT NULL,
            key bytea,
            value bytea,
            reason text NOT NULL,
            received_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (topic, partition, kafka_offset)
        );
        """
}
