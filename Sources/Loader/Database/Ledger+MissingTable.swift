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
    /// - Parameter givingUp: whether to forget also the hours of which the source has fewer rows now, or none.
    /// - Throws: ``LoadError`` when there are such hours and nobody gives them up. The table can still be restored,
    ///   and a new one of its name might be in the way of that.
    func forgetPublishedHours(givingUp: Bool, logger: Logger) throws {
        if givingUp {
            // No run could load those before the source's first row, and each would tell of them.
            _ = try hours(
                """
                DELETE FROM warehouse_loads WHERE \(Self.published) AND hour < coalesce(
                    (SELECT date_trunc('hour', min(time), 'UTC') FROM trade_data), 'infinity') RETURNING hour
                """)
        } else {
            try refuseLostHours(logger: logger)
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

    /// An hour whose new entry says nothing of its rows is published with however few the source has, so what
    /// it said of them is compared before it is forgotten.
    private func refuseLostHours(logger: Logger) throws {
        let lost = try lostHours(logger: logger)
        guard let first = lost.first, let last = lost.last else { return }
        throw LoadError(
            """
            the table \(table) is missing, and with it \(lost.count) hours from \(first) to \(last) of which the source \
            has fewer rows now than were loaded, or none. Nothing was created. Restore the table: BigQuery's time \
            travel keeps a dropped one for two to seven days. Or bring the rows back into trade_data. Or give up \
            what is lost: loader --replace begins an empty table and loads what the source has
            """, status: ExitStatus.configuration, concernsOneHour: false)
    }

    /// Published hours of which the source has fewer rows than were read, rejected ones included; oldest first.
    ///
    /// A statement for each hour: it opens the chunks of that hour alone, and the run can be interrupted in between.
    private func lostHours(logger: Logger) throws -> [ClockHour] {
        let published = try connection.query(
            """
            SELECT \(ClockHour.number("hour")), rows + coalesce(rejected_rows, 0)
            FROM warehouse_loads WHERE \(Self.published) ORDER BY hour
            """, [table])
        guard published.rowCount > 0 else { return [] }
        logger.notice(
            "counting what the source has of each hour that was in the missing table",
            metadata: ["warehouse.table": "\(table)", "hours": "\(published.rowCount)"])
        return try (0..<published.rowCount).compactMap { row in
            try Task.checkCancellation()
            let hour = published.hour(row, 0)
            let source = try connection.query(
                "SELECT count(*) FROM trade_data WHERE time >= $1::timestamptz AND time < $2::timestamptz",
                [hour.start, hour.next.start])
            return (source.integer(0, 0) ?? 0) < (published.integer(row, 1) ?? 0) ? hour : nil
        }
    }

    /// Of an hour that is `publishing` the job is asked for first, and then the table is looked at, in any case.
    private static let published = "warehouse_table = $1 AND state = 'published' AND rows > 0"

    /// How many hours of `table` the ledger says are published with rows.
    static func publishedHours(
        of table: String, _ connection: borrowing PostgresConnection
    ) throws(PostgresError) -> Int {
        if try connection.lacksRelation("warehouse_loads") { return 0 }
        return Int(
            try connection.query("SELECT count(*) FROM warehouse_loads WHERE \(published)", [table]).integer(0, 0) ?? 0)
    }

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
