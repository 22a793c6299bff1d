/// Notices a connection that is open and brings no data.
///
/// Pongs and heartbeats do not count: a feed that is alive and silent is the usual way in which a
/// recording loses hours. While the socket is not read on purpose, silence means nothing.
struct StallWatch {
    enum Verdict: Equatable {
        /// Nothing to say before then.
        case look(after: Duration)
        case stalled(silence: Duration)
    }

    let timeout: Duration
    private var lastData: ContinuousClock.Instant
    private var isPaused = false

    /// Starts with the connection: a feed that never begins is stalled as well.
    init(timeout: Duration, at now: ContinuousClock.Instant) {
        self.timeout = timeout
        lastData = now
    }

    mutating func dataArrived(at now: ContinuousClock.Instant) { lastData = now }

    mutating func readingPaused() { isPaused = true }

    mutating func readingResumed(at now: ContinuousClock.Instant) {
        isPaused = false
        lastData = now
    }

    func verdict(at now: ContinuousClock.Instant) -> Verdict {
        let silence = now - lastData
        if isPaused { return .look(after: timeout) }
        return silence >= timeout ? .stalled(silence: silence) : .look(after: timeout - silence)
    }

    /// Without a setting: where many markets are subscribed some trade every second.
    static func defaultTimeout(markets: Int) -> Duration { markets >= 20 ? .seconds(8) : .seconds(300) }
}
