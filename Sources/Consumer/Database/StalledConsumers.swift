import Logging
import Postgres

/// Consumers that were stopped, or lost their host, between the rows of a batch.
///
/// A transaction that makes a chunk keeps all others from writing into it until it ends. While its COPY waits for
/// rows, the server does not end it by itself: a cancel, that of `statement_timeout` too, is acted on only when more
/// rows come, and `idle_in_transaction_session_timeout` counts between statements. So whoever waited in vain for a
/// lock ends the session. Nothing is lost or doubled by that, were it alive or not: its rows are taken back, and
/// whoever reads them again finds the offsets as they are.
enum StalledConsumers {
    /// Ends those of the same database and role.
    ///
    /// - Parameter limit: how long the COPY of one that lives lasts at most.
    static func end(
        after limit: Duration, in database: borrowing PostgresConnection, logger: Logger
    ) throws(PostgresError) {
        // The list is complete before the first one is ended: a planner may put conditions into any order.
        let ended = try database.query(
            """
            WITH stalled AS MATERIALIZED (
                SELECT pid, coalesce(host(client_addr), 'local') AS client,
                    extract(epoch FROM clock_timestamp() - query_start)::bigint AS seconds
                FROM pg_stat_activity
                WHERE datname = current_database() AND usename = session_user
                    AND application_name = current_setting('application_name') AND query LIKE 'COPY %'
                    AND state = 'active' AND wait_event = 'ClientRead'
                    AND query_start < clock_timestamp() - $1 * interval '1 millisecond'
            )
            SELECT pid, client, seconds FROM stalled WHERE pg_terminate_backend(pid)
            """, ["\(limit / .milliseconds(1))"])
        for row in 0..<ended.rowCount {
            logger.warning(
                "ended the session of a consumer that stalls between its rows: it held a lock",
                metadata: [
                    "database.pid": "\(ended.text(row, 0) ?? "")", "database.client": "\(ended.text(row, 1) ?? "")",
                    "database.copy_seconds": "\(ended.text(row, 2) ?? "")",
                ])
        }
    }
}
