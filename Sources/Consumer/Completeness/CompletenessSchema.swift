import Logging
import Postgres

/// The table `market_hours`, and what answers questions from it.
enum CompletenessSchema {
    /// Fewer rows in a page than fit, so that an update finds room beside the row that it replaces and
    /// touches no index.
    static let table = """
        CREATE TABLE market_hours (
            code text NOT NULL,
            hour timestamptz NOT NULL,
            ticks bigint NOT NULL,
            volume numeric NOT NULL,
            repeats bigint NOT NULL,
            repeated_volume numeric NOT NULL,
            skips bigint NOT NULL,
            late bigint NOT NULL,
            unsummed bigint NOT NULL,
            sum_low numeric,
            sum_high numeric,
            PRIMARY KEY (code, hour)
        ) WITH (fillfactor = 70);
        CREATE INDEX market_hours_hour_idx ON market_hours (hour)
        """

    /// Creates the view and the function, or replaces what another version made. Rights on them, and
    /// views that users built on them, stay.
    ///
    /// The tables that they read must be there. Nothing is written through them, so it is no reason to stop
    /// that the role may not create them, or that users have something else of their name.
    static func createAnswers(in database: borrowing PostgresConnection, logger: Logger) throws(PostgresError) {
        for answer in [CompletenessView.answer, CleanSpan.answer] where try !answer.isUpToDate(in: database) {
            try database.execute("SAVEPOINT answer")
            do {
                try answer.create(in: database)
            } catch {
                guard error.sqlState.map(Self.refusals.contains) == true else { throw error }
                try database.execute("ROLLBACK TO SAVEPOINT answer")
                logger.warning(
                    """
                    a view or function is missing or old: start a consumer once as the owner of the tables, after \
                    renaming what else has its name
                    """,
                    metadata: ["database.object": "\(answer.object)", "database.error": "\(error)"])
            }
        }
    }

    private static let refusals: Set = [
        SQLState.insufficientPrivilege,
        // A table of the view's name; a view with other columns; a function with another result.
        SQLState.wrongObjectType, SQLState.invalidTableDefinition, SQLState.invalidFunctionDefinition,
    ]

    /// A view or function, with its documentation.
    struct Answer {
        let name: String
        /// As `COMMENT ON` names it.
        let object: String
        /// A `CREATE OR REPLACE`.
        let definition: String
        let comment: String
        var columnComments: [(column: String, comment: String)] = []

        /// The server keeps a definition in a form of its own, so the comment says which text it came from.
        private static let fingerprint = "format('%s (definition %s)', $1::text, md5($2))"

        private var source: String { definition + columnComments.map { $0.column + $0.comment }.joined() }

        func isUpToDate(in database: borrowing PostgresConnection) throws(PostgresError) -> Bool {
            try database.query(
                """
                SELECT 1 FROM pg_description
                WHERE objsubid = 0 AND description = \(Self.fingerprint) AND objoid IN (
                    SELECT oid FROM pg_class WHERE relname = $3 AND pg_table_is_visible(oid)
                    UNION ALL SELECT oid FROM pg_proc WHERE proname = $3 AND pg_function_is_visible(oid))
                """, [comment, source, name]
            ).rowCount > 0
        }

        func create(in database: borrowing PostgresConnection) throws(PostgresError) {
            try database.execute(definition)
            let marked = try database.query("SELECT \(Self.fingerprint)", [comment, source]).text(0, 0) ?? comment
            try database.execute("COMMENT ON \(object) IS \(literal(marked))")
            for (column, comment) in columnComments {
                try database.execute("COMMENT ON COLUMN \(name).\(column) IS \(literal(comment))")
            }
        }
    }
}

/// A string constant of SQL.
private func literal(_ text: String) -> String {
    "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
}
