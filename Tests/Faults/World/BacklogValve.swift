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
        var heldAt: Int64?
        while !Task.isCancelled {
            // While the database is away nothing is committed: the last count is the right one.
            committed = (try? await world.committedRecords()) ?? committed
            let backlog = world.exchange.observed.value.playback.position - committed
            if heldAt == nil, backlog > Self.limitTicks {
                heldAt = Chronicle.now
                try await world.exchange.pause()
            } else if let start = heldAt, backlog < Self.limitTicks / 2 {
                heldAt = nil
                try await world.exchange.resume()
                world.chronicle.add(.silence, Span(from: start, to: Chronicle.now))
            }
            try await Task.sleep(for: Self.interval)
        }
    }
}
