import Logging
import Postgres

extension Schema {
    /// Creates what makes life easier and nothing rests on: the candles, and the policies for old ticks. The tables
    /// must be there.
    ///
    /// - Throws: when the connection fails. What the server refuses is logged.
    static func createExtras(
        in database: borrowing PostgresConnection, policies: AgePolicies, logger: Logger
    ) throws(PostgresError) {
        try database.transaction { () throws(PostgresError) in
            try database.execute("SELECT pg_advisory_xact_lock(\(lockKey))")
            let isHypertable = try isHypertable(in: database)
            try Candles.createIfMissing(in: database, isHypertable: isHypertable, logger: logger)
            try policies.apply(in: database, isHypertable: isHypertable, logger: logger)
        }
    }

    private static func isHypertable(in database: borrowing PostgresConnection) throws(PostgresError) -> Bool {
        let extensions = try database.query("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
        guard extensions.rowCount > 0 else { return false }
        return try database.query(
            """
            SELECT 1 FROM timescaledb_information.hypertables
            WHERE to_regclass(format('%I.%I', hypertable_schema, hypertable_name)) = 'trade_data'::regclass
            """
        ).rowCount > 0
    }
}

extension PostgresConnection {
    /// Runs statements of the open transaction that the server may refuse. What they did is undone then, and the
    /// transaction goes on.
    ///
    /// - Returns: nil when they ran.
    /// - Throws: when the connection fails.
    func refusal(of statements: String) throws(PostgresError) -> PostgresError? {
        try execute("SAVEPOINT attempt")
        do {
            try execute(statements)
            return nil
        } catch {
            guard error.sqlState != nil else { throw error }
            try execute("ROLLBACK TO SAVEPOINT attempt")
            return error
        }
    }
}
