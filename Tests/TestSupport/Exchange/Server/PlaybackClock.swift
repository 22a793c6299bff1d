import NIOCore

/// When each frame of a session is due.
struct PlaybackClock {
    private let pace: Playback.Pace
    /// The position and session time at which playing began or went on, and when that was.
    private var origin: (position: Int, timestamp: Int64, time: NIODeadline)?
    private var latest: Int64 = .min

    init(pace: Playback.Pace) { self.pace = pace }

    /// After a pause the pace goes on from the next frame, without a rush to catch up.
    mutating func restart() { origin = nil }

    mutating func isDue(_ position: Int, _ trade: Trade) -> Bool {
        if case .unlimited = pace { return true }
        return dueTime(position, trade) <= .now()
    }

    mutating func dueTime(_ position: Int, _ trade: Trade) -> NIODeadline {
        // A late trade is told when it comes, so the session's clock never goes back.
        latest = max(latest, trade.timestamp)
        let origin = self.origin ?? (position, latest, .now())
        self.origin = origin
        switch pace {
        case .unlimited: return .now()
        case .framesPerSecond(let rate):
            return origin.time + .nanoseconds(Int64(position - origin.position) * 1_000_000_000 / Int64(max(rate, 1)))
        case .recorded(let factor):
            let milliseconds = Double(latest - origin.timestamp) / max(factor, 0.001)
            return origin.time + .nanoseconds(Int64(milliseconds * 1_000_000))
        }
    }
}
