import TestSupport

/// How much of what the exchange has sent is in the database.
extension FaultWorld {
    private var committedSQL: String {
        """
        SELECT coalesce(sum(next_offset - repeats_dropped), 0)::bigint FROM kafka_offsets
        WHERE topic = '\(broker.topic)'
        """
    }

    /// Records of the ticks' topic that are in the database, each counted once.
    func committedRecords() async throws -> Int {
        try await database.rows(committedSQL).first?.first?.flatMap { Int($0) } ?? 0
    }

    /// Ticks that were sent and are not in the database.
    func backlog() async throws -> Int {
        // In this order it cannot be too small by what is committed in between.
        let sent = exchange.observed.value.playback.position
        return sent - (try await committedRecords())
    }

    /// Returns when more than so many records are in the database.
    func committed(moreThan count: Int, within limit: Duration = .seconds(60)) async throws {
        try await database.wait(for: "SELECT (\(committedSQL)) > \(count)", toBe: "t", within: limit)
    }

    /// Returns when the database has exactly so many records.
    func committed(exactly count: Int, within limit: Duration) async throws {
        try await database.wait(for: committedSQL, toBe: "\(count)", within: limit)
    }

    /// Returns when less than so many ticks are on their way.
    func backlog(below limit: Int, within time: Duration) async throws {
        let end = ContinuousClock.now + time
        while true {
            if let backlog = try? await backlog(), backlog < limit { return }
            guard ContinuousClock.now < end else { throw SetupError("the backlog is not below \(limit) after \(time)") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
