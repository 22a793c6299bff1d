import Market
import Postgres
import Runtime

/// What the ledger's connection is asked about the source itself.
extension Ledger {
    /// What the source holds of each hour now; hours without rows are left out.
    ///
    /// An hour at a time: of hours that are computed from the rows the planner expects as many as there are rows,
    /// and sorts all of them.
    func sourceTotals(of hours: Range<ClockHour>) throws -> [ClockHour: SourceTotals] {
        var totals: [ClockHour: SourceTotals] = [:]
        for hour in hours { totals[hour] = try sourceTotals(of: hour) }
        return totals
    }

    /// What the source holds of the hour now; nil when it has no rows of it.
    func sourceTotals(of hour: ClockHour) throws(PostgresError) -> SourceTotals? {
        let result = try connection.query(SourceTotals.statement, [hour.start, hour.next.start])
        guard result.rowCount > 0 else { return nil }
        var totals = SourceTotals()
        for row in 0..<result.rowCount {
            if result.text(row, 0) == "t" {
                totals.fitting = result.loadTotals(row, from: 1)
            } else {
                totals.unfitRows = Int(result.integer(row, 1) ?? 0)
            }
        }
        return totals
    }

    /// How far the consumer has come with `topic`.
    ///
    /// - Throws: ``ConfigurationError`` when it has met other topics and not this one: every hour would be
    ///   waited for, and be provisional for ever.
    func consumerProgress(topic: String) throws -> ConsumerProgress {
        if try connection.lacksRelation("kafka_offsets") { return .unrecorded }
        let columns = try connection.query(
            """
            SELECT 1 FROM pg_attribute WHERE attrelid = 'kafka_offsets'::regclass
                AND attname IN ('last_event_time', 'caught_up_at') AND NOT attisdropped
            """)
        guard columns.rowCount == 2 else { return .withoutTimes }
        let result = try connection.query(
            """
            SELECT partition, floor(extract(epoch FROM last_event_time))::bigint,
                floor(extract(epoch FROM caught_up_at))::bigint
            FROM kafka_offsets WHERE topic = $1 ORDER BY partition
            """, [topic])
        if result.rowCount == 0 { try refuseOtherTopics(than: topic) }
        return .partitions(
            (0..<result.rowCount).map { row in
                PartitionProgress(
                    partition: Int(result.integer(row, 0) ?? 0),
                    lastEventSeconds: result.integer(row, 1).map { Int($0) },
                    caughtUpSeconds: result.integer(row, 2).map { Int($0) })
            })
    }

    private func refuseOtherTopics(than topic: String) throws {
        let result = try connection.query(
            """
            SELECT string_agg(DISTINCT topic, ', ') FROM kafka_offsets
            WHERE topic <> $1 AND right(topic, 5) <> '.gaps'
            """, [topic])
        guard let others = result.text(0, 0) else { return }
        throw ConfigurationError(
            "KAFKA_TOPIC: '\(topic)' is not a topic of the consumer, whose kafka_offsets has \(others);"
                + " set it as the consumer has it")
    }
}

extension PostgresResult {
    /// An hour that was asked for as its number.
    func hour(_ row: Int, _ column: Int) -> ClockHour { ClockHour(number: Int(integer(row, column) ?? 0)) }

    /// Count, price and volume in three columns; a sum that is NULL or beyond `NUMERIC` is none.
    func loadTotals(_ row: Int, from column: Int) -> LoadTotals {
        LoadTotals(
            rows: Int(integer(row, column) ?? 0), price: text(row, column + 1).flatMap { try? Numeric($0) },
            volume: text(row, column + 2).flatMap { try? Numeric($0) })
    }
}
