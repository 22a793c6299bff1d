import Market

/// A gap of which the end is yet to come: the next frame.
struct GapStart: Equatable, Sendable {
    /// The last time at which data are known to have come: microseconds since 1970.
    var from: UInt64
    let reason: Gap.Reason

    /// One span of two that end together, with this one's reason.
    func joined(with other: GapStart) -> GapStart { GapStart(from: min(from, other.from), reason: reason) }
}

/// Knows since when no data could be received, and why. Times are microseconds since 1970.
///
/// A span has one reason, the first: a stall that ends in a reconnect is a stall.
struct GapLedger {
    private var lastData: UInt64?
    private var open: GapStart?
    private var isPaused = false

    /// - Parameter lastReceived: when the process before this one had received data the last time; nil
    ///   when there was none, and so nothing to miss.
    init(lastReceived: UInt64?) {
        lastData = lastReceived
        open = lastReceived.map { GapStart(from: $0, reason: .restart) }
    }

    /// - Returns: the gap that these data end.
    mutating func dataArrived(at time: UInt64) -> GapStart? {
        defer { lastData = time }
        // What the kernel and libwebsockets had when reading was paused is no end of the pause.
        if isPaused, open?.reason == .spoolFull {
            open?.from = time
            return nil
        }
        guard var gap = open else { return nil }
        open = isPaused ? GapStart(from: time, reason: .spoolFull) : nil
        gap.from = min(gap.from, time)  // the wall clock can be set back
        return gap
    }

    /// The connection ended, or could not be made.
    ///
    /// - Parameter orderlyAt: when the peer closed it in order: all that it sent before has come.
    mutating func disconnected(orderlyAt: UInt64?) { begin(.disconnect, at: orderlyAt) }

    /// The connection is open and brings nothing.
    mutating func stalled() { begin(.stall, at: nil) }

    /// The socket is not read, since there is no room.
    mutating func paused() {
        isPaused = true
        begin(.spoolFull, at: nil)
    }

    mutating func resumed() { isPaused = false }

    private mutating func begin(_ reason: Gap.Reason, at time: UInt64?) {
        guard open == nil, let lastData else { return }
        open = GapStart(from: max(lastData, time ?? 0), reason: reason)
    }
}
