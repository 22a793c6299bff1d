import Postgres

extension Ledger {
    /// What is known of all hours before `lookback`. However many they are, the source is asked for one row
    /// of each hole in the ledger, and of each hour of a hole that has one; never for all of an hour.
    func olderHours(before lookback: ClockHour) throws -> OlderHours {
        let bounds = try connection.query(
            """
            SELECT \(ClockHour.number("min(hour)")),
                (SELECT \(ClockHour.number("date_trunc('hour', min(time), 'UTC')")) FROM trade_data)
            FROM warehouse_loads WHERE warehouse_table = $1
            """, [table])
        var older = OlderHours(
            unfinished: try unfinishedHours(before: lookback), firstInLedger: bounds.optionalHour(0, 0),
            firstInSource: bounds.optionalHour(0, 1))
        if let first = older.firstInSource, first < lookback {
            older.missed = try missedHours(from: first, before: lookback)
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

    /// Hours with rows that are not in the ledger, behind the first that is: nobody was there to load them, or
    /// their rows came when runs did not look back on them any more.
    private func missedHours(from first: ClockHour, before lookback: ClockHour) throws -> [ClockHour] {
        var missed: [ClockHour] = []
        for hole in try holes(from: first, before: lookback) where try hasRows(hole) {
            for hour in hole where try hasRows(hour..<hour.next) { missed.append(hour) }
        }
        return missed
    }

    /// What lies between two neighbours in the ledger. A hole without rows stays for ever and costs each run one
    /// look, however long it is; of the others each hour is looked at, and then loaded.
    private func holes(
        from first: ClockHour, before lookback: ClockHour
    ) throws(PostgresError) -> [Range<ClockHour>] {
        let result = try connection.query(
            """
            SELECT \(ClockHour.number("starts")), \(ClockHour.number("ends"))
            FROM (
                SELECT greatest(hour + interval '1 hour', $2::timestamptz) AS starts,
                    lead(hour, 1, $3::timestamptz) OVER (ORDER BY hour) AS ends
                FROM warehouse_loads WHERE warehouse_table = $1 AND hour < $3) AS neighbours
            WHERE starts < ends ORDER BY starts
            """, [table, first.start, lookback.start])
        return (0..<result.rowCount).map { result.hour($0, 0)..<result.hour($0, 1) }
    }

    /// A statement for each look: the planner then knows the times, and opens the chunks that they are in. In a join
    /// with the holes all chunks of years would be opened for each.
    private func hasRows(_ hours: Range<ClockHour>) throws(PostgresError) -> Bool {
        let result = try connection.query(
            "SELECT FROM trade_data WHERE time >= $1::timestamptz AND time < $2::timestamptz LIMIT 1",
            [hours.lowerBound.start, hours.upperBound.start])
        return result.rowCount > 0
    }
}

extension ClockHour {
    /// SQL that is the number of the hour which a timestamp begins.
    static func number(_ timestamp: String) -> String { "extract(epoch FROM \(timestamp))::bigint / 3600" }
}

extension PostgresResult {
    func optionalHour(_ row: Int, _ column: Int) -> ClockHour? {
        integer(row, column).map { ClockHour(number: Int($0)) }
    }
}
