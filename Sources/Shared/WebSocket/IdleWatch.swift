/// Knows when a silent peer is to be asked whether it is there, and when it is taken for dead.
struct IdleWatch {
    enum Verdict: Equatable {
        /// Nothing to do until then.
        case look(Duration)
        /// Send a PING, and look again then.
        case ping(Duration)
        case dead
    }

    private let pingTime: Duration
    /// Silence after which a peer that was asked is taken for dead.
    private let limit: Duration
    private var lastHeard: ContinuousClock.Instant
    private var isAsked = false

    init(pingSeconds: Int, at now: ContinuousClock.Instant) {
        pingTime = .seconds(pingSeconds)
        limit = .seconds(pingSeconds + max(2, pingSeconds / 2))
        lastHeard = now
    }

    mutating func heard(at now: ContinuousClock.Instant) {
        lastHeard = now
        isAsked = false
    }

    mutating func verdict(at now: ContinuousClock.Instant) -> Verdict {
        let silence = now - lastHeard
        if silence < pingTime { return .look(pingTime - silence) }
        guard isAsked else {
            isAsked = true
            return .ping(limit - pingTime)
        }
        return silence < limit ? .look(limit - silence) : .dead
    }
}
