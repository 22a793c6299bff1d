import Market
import Runtime
import TestSupport

/// Counts and sums at every stage, when all is quiet.
struct RoundTotals: Sendable {
    /// Records of the ticks' topic in Kafka.
    let records: Int
    /// The sum of the stored offsets of that topic.
    let offsets: Int
    let repeats: Int
    let deadLetters: Int
    let rows: WarehouseTotals
    let loaded: WarehouseTotals

    func differences(from ticks: SessionTotals) -> [String] {
        var differences: [String] = []
        if records != offsets { differences.append("Kafka has \(records) records, the offsets say \(offsets)") }
        if rows.rows + deadLetters + repeats != records {
            differences.append(
                "\(rows.rows) rows + \(deadLetters) dead letters + \(repeats) repeats are not \(records) records")
        }
        let sent = WarehouseTotals(rows: ticks.tickCount, price: ticks.priceSum, volume: ticks.volumeSum)
        if rows != sent { differences.append("the table has \(rows), sent were \(sent)") }
        if loaded != rows { differences.append("BigQuery has \(loaded), the table \(rows)") }
        if deadLetters != ticks.malformedCount {
            differences.append("\(deadLetters) dead letters of \(ticks.malformedCount) malformed frames")
        }
        return differences
    }
}

extension RoundTotals {
    init(_ world: FaultWorld) async throws {
        let broker = world.broker
        records = Int(
            try await DedicatedThread(name: "offsets").run {
                try TopicReader.lastOffsets(broker.topic, partitions: broker.partitions, servers: broker.servers)
            })
        let counts = try await world.database.rows(
            """
            SELECT coalesce(sum(next_offset), 0), coalesce(sum(repeats_dropped), 0),
                (SELECT count(*) FROM dead_letters) FROM kafka_offsets WHERE topic = $1
            """, [broker.topic])[0].map { $0.flatMap { Int($0) } ?? -1 }
        (offsets, repeats, deadLetters) = (counts[0], counts[1], counts[2])
        let sums = try await world.database.rows(
            "SELECT count(*), sum(trade_price), sum(trade_volume) FROM trade_data")[0]
        rows = WarehouseTotals(
            rows: sums[0].flatMap { Int($0) } ?? -1, price: sums[1].flatMap { try? Numeric($0) },
            volume: sums[2].flatMap { try? Numeric($0) })
        loaded = try await world.warehouse.totals()
    }
}
