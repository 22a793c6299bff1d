import NIOCore

/// Whether one more event stays below the exchange's limits, by the times of those before.
struct MessageLimit {
    private let perSecond: Int
    private let perMinute: Int
    private var times: [NIODeadline] = []

    init(perSecond: Int, perMinute: Int = .max) {
        self.perSecond = perSecond
        self.perMinute = perMinute
    }

    /// Enters an event; false when it is one too many.
    mutating func allows(at now: NIODeadline) -> Bool {
        times.removeAll { now - $0 >= .minutes(1) }
        times.append(now)
        return times.count <= perMinute && times.count { now - $0 < .seconds(1) } <= perSecond
    }
}
