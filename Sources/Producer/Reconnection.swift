import Runtime

/// When to try the exchange again: up to 250 ms at first and up to 2 s later, with full jitter, at most
/// one try a second, for ever.
///
/// The exchange allows five connections a second for an address, which may have other users. The bound
/// is low, since every second until the next try is a second of ticks; and a connection that opens and
/// says nothing is not a success yet, so only data makes the next wait short again.
struct Reconnection {
    private var backoff = Backoff(base: .milliseconds(250), limit: .seconds(2))
    private var lastAttempt: ContinuousClock.Instant?

    static let attemptInterval = Duration.seconds(1)

    mutating func attempted(at now: ContinuousClock.Instant) { lastAttempt = now }

    mutating func dataArrived() { backoff.reset() }

    /// How long to wait after a connection ended, or after an attempt came to nothing.
    ///
    /// - Parameter wasOpen: false after an attempt. What it took counts as waiting: an attempt that was
    ///   given up after seconds is followed by the next one at once.
    mutating func delay(
        at now: ContinuousClock.Instant, wasOpen: Bool, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let wait = backoff.next(using: &generator)
        guard let lastAttempt else { return wait }
        let sinceAttempt = now - lastAttempt
        return max(.zero, wasOpen ? wait : wait - sinceAttempt, Self.attemptInterval - sinceAttempt)
    }
}
