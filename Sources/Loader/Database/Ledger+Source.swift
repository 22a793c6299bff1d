import Market
import Postgres

/// What the ledger's connection is asked about the source itself.
extension Ledger {
    /// What the source holds of each hour now; hours without rows are left out.
    func sourceTotals(of hours: Range<ClockHour>) throws -> [ClockHour: SourceTotals] {
        let result: PostgresResult
        do {
            result = try connection.query(SourceTotals.statement, [hours.lowerBound.start, hours.upperBound.start])
        } catch {
            guard error.sqlState == SQLState.undefinedTable else { throw error }
            throw LoadError("\(error). The consumer creates the table; is TIMESCALEDB_DBNAME right?")
        }
        var totals: [ClockHour: SourceTotals] = [:]
        for row in 0..<result.rowCount {
            totals[result.hour(row, 0)] = SourceTotals(
                fitting: result.loadTotals(row, from: 1), unfitRows: Int(result.integer(row, 4) ?? 0))
        }
        return totals
    }

    /// How far the consumer has come with `topic`.
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
        return .partitions(
            (0..<result.rowCount).map { row in
                PartitionProgress(
                    partition: Int(result.integer(row, 0) ?? 0),
                    lastEventSeconds: result.integer(row, 1).map { Int($0) },
                    caughtUpSeconds: result.integer(row, 2).map { Int($0) })
            })
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
