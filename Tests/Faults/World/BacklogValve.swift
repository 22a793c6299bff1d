import TestSupport

/// Holds the exchange while too much is on its way, since the mock cluster keeps 5 MiB of a partition, some
/// 11,000 ticks, and then drops its oldest records without a word. All that waits can be in one partition.
struct BacklogValve: Sendable {
    let world: FaultWorld

    static let limitTicks = 10_000
    private static let interval = Duration.milliseconds(200)

    /// Runs until it is cancelled.
    func run() async throws {
        var committed = 0
        var isHolding = false
        while !Task.isCancelled {
            // While the database is away nothing is committed: the last count is the right one.
            committed = (try? await world.committedRecords()) ?? committed
            let backlog = world.exchange.observed.value.playback.position - committed
            if !isHolding, backlog > Self.limitTicks {
                isHolding = true
                try await world.exchange.pause()
            } else if isHolding, backlog < Self.limitTicks / 2 {
                isHolding = false
                try await world.exchange.resume()
            }
            try await Task.sleep(for: Self.interval)
        }
    }
}

extension FaultWorld {
    /// Records of the ticks' topic that are in the database, each counted once.
    func committedRecords() async throws -> Int {
        let rows = try await database.rows(
            """
            SELECT coalesce(sum(next_offset - repeats_dropped), 0) FROM kafka_offsets WHERE topic = $1
            """, [broker.topic])
        return rows[0][0].flatMap { Int($0) } ?? 0
    }
}
