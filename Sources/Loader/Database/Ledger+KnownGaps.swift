import Logging
import Postgres

extension Ledger {
    /// Writes beside each of `hours` in the ledger what is known to be missing from it, and returns that.
    ///
    /// The consumer's tables say it. Where they are missing, or not ours to read, nothing is known: that
    /// must not keep an hour from being loaded.
    ///
    /// - Parameter fromTheirStart: also of the hours before, back to where the gaps that reach into `hours`
    ///   began. A gap is told when it is over, and can be longer than any lookback.
    func noteKnownGaps(
        of hours: Range<ClockHour>, fromTheirStart: Bool = false, logger: Logger
    ) throws -> [ClockHour: KnownGaps] {
        do {
            for relation in ["gaps", "completeness"] where try connection.lacksRelation(relation) { return [:] }
            return try updateKnownGaps(of: hours, fromTheirStart: fromTheirStart)
        } catch {
            guard error.sqlState != nil else { throw error }
            logger.warning("what is missing from the hours cannot be told", metadata: ["error.message": "\(error)"])
            return [:]
        }
    }

    /// Spans of several producers can overlap, so they are united before they are added up.
    private func updateKnownGaps(
        of hours: Range<ClockHour>, fromTheirStart: Bool
    ) throws(PostgresError) -> [ClockHour: KnownGaps] {
        let first =
            fromTheirStart
            ? "least($2, (SELECT date_trunc('hour', min(started_at), 'UTC') FROM gaps WHERE ended_at > $2))" : "$2"
        let result = try connection.query(
            """
            UPDATE warehouse_loads AS loads
            SET gap_seconds = known.gap_seconds, incomplete_markets = known.incomplete_markets
            FROM (
                SELECT hours.hour, silence.gap_seconds, markets.incomplete_markets
                FROM (
                    SELECT hour FROM warehouse_loads
                    WHERE warehouse_table = $1 AND hour >= \(first) AND hour < $3) AS hours
                CROSS JOIN LATERAL (
                    SELECT ceil(coalesce(sum(extract(epoch FROM upper(span) - lower(span))), 0))::bigint AS gap_seconds
                    FROM (
                        SELECT unnest(range_agg(tstzrange(greatest(started_at, hours.hour),
                            least(ended_at, hours.hour + interval '1 hour')))) AS span
                        FROM gaps
                        WHERE started_at < hours.hour + interval '1 hour' AND ended_at > hours.hour) AS spans
                    ) AS silence
                CROSS JOIN LATERAL (
                    SELECT count(*) AS incomplete_markets FROM completeness
                    WHERE completeness.hour = hours.hour AND NOT completeness.complete) AS markets
                ) AS known
            WHERE loads.warehouse_table = $1 AND loads.hour = known.hour
            RETURNING extract(epoch FROM loads.hour)::bigint / 3600, loads.gap_seconds, loads.incomplete_markets
            """, [table, hours.lowerBound.start, hours.upperBound.start])
        var gaps: [ClockHour: KnownGaps] = [:]
        for row in 0..<result.rowCount {
            gaps[result.hour(row, 0)] = KnownGaps(
                seconds: Int(result.integer(row, 1) ?? 0), incompleteMarkets: Int(result.integer(row, 2) ?? 0))
        }
        return gaps
    }
}
