import Synchronization

/// When a loop that does a service's work turned the last time: what `/healthz` and a watchdog go by.
///
/// The loop itself says so, and nobody in its place: a timer elsewhere would go on ticking beside a loop that
/// hangs. A loop that waits for something has to wake up for it often enough, or the wait is a stall. Any
/// thread.
package final class Heartbeat: Sendable {
    /// What beats, as a person is told.
    package let name: String
    /// Silence that is longer than this is a stall: longer than anything the loop may wait for.
    package let limit: Duration
    /// Nanoseconds after ``start``.
    private let last = Atomic<Int64>(0)
    private let start: ContinuousClock.Instant

    /// The first beat is now: a loop has its limit's time to come to its first turn.
    package init(_ name: String, limit: Duration, at now: ContinuousClock.Instant = .now) {
        self.name = name
        self.limit = limit
        start = now
    }

    /// The loop turned. Costs a look at the clock and one store.
    package func beat(at now: ContinuousClock.Instant = .now) {
        last.store(nanoseconds(now - start), ordering: .relaxed)
    }

    /// How long ago the loop turned.
    package func silence(at now: ContinuousClock.Instant = .now) -> Duration {
        max(.zero, now - start - .nanoseconds(last.load(ordering: .relaxed)))
    }

    /// False when the loop hangs.
    package func isAlive(at now: ContinuousClock.Instant = .now) -> Bool { silence(at: now) <= limit }
}

private func nanoseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
}
