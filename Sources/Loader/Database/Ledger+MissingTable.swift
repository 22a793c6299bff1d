import Logging
import Postgres
import Runtime

/// What becomes of a ledger whose final table is missing: dropped by somebody, or with an emulator's volume.
extension Ledger {
    /// Takes back that hours are published, since there is no table that could hold them: runs then load them again.
    /// To be called before somebody creates the table: afterwards nobody could tell.
    ///
    /// Hours without rows stay as they are: an empty table holds them, too.
    ///
    /// - Parameter givingUp: whether to forget also the hours of which the source has no rows any more.
    /// - Throws: ``LoadError`` when there are such hours and nobody gives them up. The table can still be restored,
    ///   and a new one of its name might be in the way of that.
    func forgetPublishedHours(givingUp: Bool, logger: Logger) throws {
        let lost = try hours(
            """
            SELECT hour FROM warehouse_loads
            WHERE \(Self.published) AND hour < coalesce(
                (SELECT date_trunc('hour', min(time), 'UTC') FROM trade_data), 'infinity')
            """)
        if let lost, !givingUp {
            throw LoadError(
                """
                the table \(table) is missing, and with it \(lost.count) hours from \(lost.first) to \(lost.last) that \
                the source does not have any more. Nothing was created. Restore the table: BigQuery's time travel \
                keeps a dropped one for two to seven days. Or give those hours up: loader --replace begins an empty \
                table and loads what the source has
                """, status: ExitStatus.configuration, concernsOneHour: false)
        }
        if let lost {
            // No run could load them, and each would tell of them.
            _ = try hours(
                "DELETE FROM warehouse_loads WHERE \(Self.published) AND hour <= '\(lost.last.start)' RETURNING hour")
        }
        let open = try hours(
            """
            UPDATE warehouse_loads SET state = 'staging', job_id = NULL, rows = NULL, sum_price = NULL,
                sum_volume = NULL, rejected_rows = NULL, published_at = NULL
            WHERE \(Self.published) RETURNING hour
            """)
        guard let open else { return }
        logger.warning(
            "the final table is missing: runs without arguments load its hours again, this one or the next",
            metadata: [
                "warehouse.table": "\(table)", "hours": "\(open.count)", "first": "\(open.first)",
                "last": "\(open.last)",
            ])
    }

    /// Of an hour that is `publishing` the job is asked for first, and then the table is looked at, in any case.
    private static let published = "warehouse_table = $1 AND state = 'published' AND rows > 0"

    /// How many hours a statement is about, and the first and last of them; nil when it is about none.
    private func hours(
        _ statement: String
    ) throws(PostgresError) -> (count: Int64, first: ClockHour, last: ClockHour)? {
        let result = try connection.query(
            """
            WITH hours AS (\(statement))
            SELECT count(*), \(ClockHour.number("min(hour)")), \(ClockHour.number("max(hour)")) FROM hours
            """, [table])
        guard let count = result.integer(0, 0), let first = result.optionalHour(0, 1),
            let last = result.optionalHour(0, 2)
        else { return nil }
        return (count, first, last)
    }
}
