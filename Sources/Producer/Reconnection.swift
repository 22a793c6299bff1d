import Runtime

/// When to try the exchange again: from 250 ms to 30 s with full jitter, at most one try a second,
/// for ever.
///
/// The exchange allows five connections a second for an address, which may have other users; and a
/// connection that opens and says nothing is not a success yet, so only data makes the next wait
/// short again.
struct Reconnection {
    private var backoff = Backoff(base: .milliseconds(250), limit: .seconds(30))
    private var lastAttempt: ContinuousClock.Instant?

    static let attemptInterval = Duration.seconds(1)

    mutating func attempted(at now: ContinuousClock.Instant) { lastAttempt = now }

    mutating func dataArrived() { backoff.reset() }

    /// How long to wait after a connection failed or ended.
    mutating func delay(
        at now: ContinuousClock.Instant, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let wait = backoff.next(using: &generator)
        guard let lastAttempt else { return wait }
        return max(wait, lastAttempt + Self.attemptInterval - now)
    }
}
