/// Knows when a peer is to be asked whether it is there, and when it is taken for dead.
struct IdleWatch {
    enum Verdict: Equatable {
        /// Nothing to do until then.
        case look(Duration)
        /// Send a PING, and look again then.
        case ping(Duration)
        case dead
    }

    /// Between two PINGs.
    private let interval: Duration
    /// What a peer of which nothing else is heard has for its answer.
    private let patience: Duration
    private var lastPing: ContinuousClock.Instant
    /// The first PING since anything was heard. A process that could not run for a while so begins with a
    /// question, whatever the clock says.
    private var unanswered: ContinuousClock.Instant?

    init(pingSeconds: Int, at now: ContinuousClock.Instant) {
        interval = .seconds(pingSeconds)
        patience = .seconds(max(2, pingSeconds / 2))
        lastPing = now
    }

    /// Whatever it is: data, or an answer.
    mutating func heard() { unanswered = nil }

    mutating func verdict(at now: ContinuousClock.Instant) -> Verdict {
        if let unanswered, now - unanswered >= patience { return .dead }
        let isDue = now - lastPing >= interval
        if isDue {
            lastPing = now
            unanswered = unanswered ?? now
        }
        let next = min(lastPing + interval, unanswered.map { $0 + patience } ?? lastPing + interval)
        return isDue ? .ping(next - now) : .look(next - now)
    }
}
