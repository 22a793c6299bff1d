import TestSupport

/// What the bench knows of a round that explains gaps, beside what the exchange saw. Microseconds since 1970.
struct GapEvidence: Sendable {
    /// Of the producer: after so long without data it connects anew.
    var stallTimeoutMicroseconds: Int64
    /// When each process of the producer began.
    var starts: [Int64] = []
    /// The producer's connections were cut, and maybe refused.
    var cuts: [Span] = []
    /// What the exchange had sent came late: packets dropped, a slow line, a producer that stood still.
    var delays: [Span] = []
    /// The exchange sent nothing on purpose.
    var silences: [Span] = []
    /// The disk of the spool had no room.
    var fullDisks: [Span] = []
    /// The spool was seen with all the segments that it may have.
    var fullSpools: [Span] = []
    /// What had to lead to a pause, if the producer said that it has no room.
    var fillings: [Filling] = []

    init(stallTimeout: Duration) { stallTimeoutMicroseconds = Int64(milliseconds(stallTimeout)) * 1_000 }

    /// Of a round, or of an outage, that is over.
    init(_ world: FaultWorld, stallTimeout: Duration) {
        self.init(stallTimeout: stallTimeout)
        starts = world.producer.state.value.startTimes
        cuts = world.chronicle[.cut]
        delays = world.chronicle[.delay]
        silences = world.chronicle[.silence]
        fullDisks = world.chronicle[.fullDisk]
        fullSpools = world.chronicle[.fullSpool]
        fillings = world.fillings.value
    }

    /// Whether another process of the producer began in between.
    func hasStart(after time: Int64, until end: Int64) -> Bool { starts.contains { time < $0 && $0 <= end } }

    /// When what was sent, or became possible, at `time` has come to the producer at the latest.
    ///
    /// Without a hindrance that is within the stall timeout: after that it gives the connection up.
    func latestArrival(_ time: Int64, past hindrances: [Span]) -> Int64 {
        var end = time + stallTimeoutMicroseconds
        for span in hindrances.sorted(by: { $0.from < $1.from }) where span.from <= end {
            end = max(end, span.to + stallTimeoutMicroseconds)
        }
        return end
    }

    /// Whether the spool can have had no room at `time`.
    func canBeFull(at time: Int64) -> Bool {
        if fullDisks.contains(where: { $0.contains(time) }) || fullSpools.contains(where: { $0.contains(time) }) {
            return true
        }
        // What was held back comes at once, and can fill it for less time than there is between two looks.
        return delays.contains {
            $0.contains(time) || Span(from: $0.to, to: $0.to + stallTimeoutMicroseconds).contains(time)
        }
    }
}
