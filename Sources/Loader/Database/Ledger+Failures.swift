import Postgres

/// What the ledger remembers of hours that failed for reasons of their own. In one of an older version whose
/// columns are missing it is nothing, and each run tries all of them.
extension Ledger {
    func failures() throws -> [ClockHour: HourFailure] {
        guard isUpToDate else { return [:] }
        let result = try connection.query(
            """
            SELECT extract(epoch FROM hour)::bigint / 3600, failures,
                extract(epoch FROM retry_from)::bigint / 3600, failure
            FROM warehouse_loads WHERE warehouse_table = $1 AND failures > 0
            """, [table])
        var failures: [ClockHour: HourFailure] = [:]
        for row in 0..<result.rowCount {
            failures[result.hour(row, 0)] = HourFailure(
                count: Int(result.integer(row, 1) ?? 0), retryFrom: result.hour(row, 2),
                reason: result.text(row, 3) ?? "")
        }
        return failures
    }

    /// An hour that failed before a load of it began is not in the ledger yet. It comes in like one whose load did
    /// not come to its end: that claims nothing of what is published.
    func note(_ failure: HourFailure, of hour: ClockHour) throws {
        guard isUpToDate else { return }
        let load = Load(hour: hour)
        _ = try connection.query(
            """
            INSERT INTO warehouse_loads
                (warehouse_table, hour, state, load_id, started_at, attempts, failures, retry_from, failure)
            VALUES ($1, $2, 'staging', $3, $4, 0, $5, $6, $7)
            ON CONFLICT (warehouse_table, hour) DO UPDATE SET failures = excluded.failures,
                retry_from = excluded.retry_from, failure = excluded.failure
            """,
            [
                table, hour.start, load.id, load.startedAt, String(failure.count), failure.retryFrom.start,
                failure.reason,
            ])
    }

    /// The hour was loaded, or needs no loading any more.
    func forgetFailures(of hour: ClockHour) throws {
        guard isUpToDate else { return }
        _ = try connection.query(
            """
            UPDATE warehouse_loads SET failures = 0, retry_from = NULL, failure = NULL
            WHERE warehouse_table = $1 AND hour = $2 AND failures > 0
            """, [table, hour.start])
    }
}
