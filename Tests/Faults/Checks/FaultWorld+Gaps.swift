import Market
import Runtime
import TestSupport

extension FaultWorld {
    /// The gap ledger, oldest first.
    func gaps() async throws -> [GapComparison.Row] {
        let rows = try await database.rows(
            """
            SELECT (extract(epoch FROM started_at) * 1000000)::bigint, (extract(epoch FROM ended_at) * 1000000)::bigint,
                reason FROM gaps ORDER BY started_at
            """)
        return rows.map { row in
            GapComparison.Row(
                from: row[0].flatMap { Int64($0) } ?? 0, to: row[1].flatMap { Int64($0) } ?? 0, reason: row[2] ?? "")
        }
    }

    /// Returns when every record of the gaps' topic is in the database.
    func gapsArrived(within limit: Duration) async throws {
        let topic = broker.topic + Gap.topicSuffix
        let servers = broker.servers
        let told = try await DedicatedThread(name: "gaps").run {
            let partitions = try TopicAdmin(servers: servers).partitions(of: topic)
            return try TopicReader.lastOffsets(topic, partitions: partitions, servers: servers)
        }
        try await database.wait(
            for: "SELECT sum(next_offset)::text FROM kafka_offsets WHERE topic = '\(topic)'", toBe: "\(told)",
            within: limit)
    }
}
