import Postgres

extension Ledger {
    /// What is known of all hours before `lookback`. However many they are, the source is asked for one row
    /// of each that the ledger has not come to, and never for all of an hour.
    func olderHours(before lookback: ClockHour) throws -> OlderHours {
        let bounds = try connection.query(
            """
            SELECT \(ClockHour.number("min(hour)")), \(ClockHour.number("max(hour)")),
                (SELECT \(ClockHour.number("date_trunc('hour', min(time), 'UTC')")) FROM trade_data)
            FROM warehouse_loads WHERE warehouse_table = $1
            """, [table])
        let newest = bounds.optionalHour(0, 1)
        var older = OlderHours(
            unfinished: try unfinishedHours(before: lookback), firstInLedger: bounds.optionalHour(0, 0),
            firstInSource: bounds.optionalHour(0, 2))
        if let newest, let first = older.firstInSource, max(newest, first) < lookback {
            older.missed = try hoursWithRows(max(newest, first)..<lookback)
        }
        return older
    }

    private func unfinishedHours(before lookback: ClockHour) throws(PostgresError) -> [OlderHours.Unfinished] {
        let result = try connection.query(
            """
            SELECT \(ClockHour.number("hour")), (state = 'published')::int FROM warehouse_loads
            WHERE warehouse_table = $1 AND hour < $2
                AND (provisional OR state <> 'published' \(isUpToDate ? "OR failures > 0" : "")) ORDER BY hour
            """, [table, lookback.start])
        return (0..<result.rowCount).map {
            OlderHours.Unfinished(hour: result.hour($0, 0), isPublished: result.integer($0, 1) == 1)
        }
    }

    /// The limit keeps the planner from joining the hours with all rows: it looks into the index once an hour.
    private func hoursWithRows(_ hours: Range<ClockHour>) throws(PostgresError) -> [ClockHour] {
        let result = try connection.query(
            """
            SELECT \(ClockHour.number("hour"))
            FROM generate_series($1::timestamptz, $2::timestamptz - interval '1 hour', interval '1 hour') AS hour
            CROSS JOIN LATERAL (
                SELECT FROM trade_data WHERE time >= hour AND time < hour + interval '1 hour' LIMIT 1) AS trade
            """, [hours.lowerBound.start, hours.upperBound.start])
        return (0..<result.rowCount).map { result.hour($0, 0) }
    }
}

extension ClockHour {
    /// SQL that is the number of the hour which a timestamp begins.
    fileprivate static func number(_ timestamp: String) -> String { "extract(epoch FROM \(timestamp))::bigint / 3600" }
}

extension PostgresResult {
    fileprivate func optionalHour(_ row: Int, _ column: Int) -> ClockHour? {
        integer(row, column).map { ClockHour(number: Int($0)) }
    }
}
