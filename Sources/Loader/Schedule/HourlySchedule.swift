import FoundationEssentials

/// When `loader --schedule` loads: at its start, then each time that another hour is over for ``delay``, and
/// after a failure soon again. Logic without a clock.
struct HourlySchedule {
    /// How long an hour has to be over: so long its last records may take to the database.
    let delay: Duration
    /// The current hour of the last run that was begun; hours before it were looked at.
    private var looked: ClockHour?
    private var failures = 0
    private var retryAt: Date?

    enum Step: Equatable {
        /// Load the hours before this one.
        case run(current: ClockHour)
        /// Ask again after this time. It is a bounded one, since the clock may be set meanwhile.
        case wait(Duration)
    }

    init(delay: Duration) { self.delay = delay }

    func step(at now: Date) -> Step {
        let current = ClockHour(containing: now.addingTimeInterval(-seconds(delay)))
        if looked.map({ $0 < current }) ?? true { return .run(current: current) }
        if let retryAt, retryAt <= now, current == looked { return .run(current: current) }
        return .wait(min(.seconds(max(0.001, nextRun.timeIntervalSince(now))), Self.longestWait))
    }

    /// When the next run is due, unless the clock is set.
    var nextRun: Date {
        guard let looked else { return .distantPast }
        let due = Date(timeIntervalSince1970: Double(looked.next.number) * 3_600 + seconds(delay))
        return retryAt.map { min($0, due) } ?? due
    }

    mutating func began(_ current: ClockHour) {
        looked = current
        retryAt = nil
    }

    mutating func succeeded() { failures = 0 }

    /// A run that failed is tried again after a minute, and then after ever longer times: what it waited for may
    /// be there long before the next hour is over.
    mutating func failed(at now: Date) {
        let wait = min(Self.longestRetryWait, Self.firstRetryWait * Double(1 << min(failures, 10)))
        failures += 1
        retryAt = now.addingTimeInterval(wait)
    }

    private static let longestWait = Duration.seconds(30)
    private static let firstRetryWait = 60.0
    private static let longestRetryWait = 900.0
}

private func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
