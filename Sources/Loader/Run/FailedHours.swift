import Runtime

/// The hours that a run passes over, since they failed in it or are left alone after earlier failures, and
/// what it says of them in the end.
struct FailedHours {
    private let remembered: [ClockHour: HourFailure]
    private let current: ClockHour
    private var passed: [(hour: ClockHour, failure: HourFailure)] = []
    /// False once an hour was passed over for what a run right after this one would meet again.
    private var mayAllPass = true

    /// - Parameters:
    ///   - remembered: what the ledger says of earlier runs.
    ///   - current: the clock hour in which the run takes place.
    init(remembered: [ClockHour: HourFailure], current: ClockHour) {
        self.remembered = remembered
        self.current = current
    }

    /// True for a failure that need not meet the next hour: its rows, its job, or what the warehouse holds of it.
    /// What is away, or refuses us, is so for every hour.
    static func concernsOneHour(_ error: any Error) -> Bool {
        switch error {
        case let error as LoadError: error.concernsOneHour
        case let error as BigQueryError: error.concernsOneHour
        default: false
        }
    }

    func isLeftAlone(_ hour: ClockHour) -> Bool { remembered[hour].map { current < $0.retryFrom } ?? false }

    /// Passes over those of `hours` that are left alone, and returns them.
    mutating func leaveAlone(_ hours: [ClockHour]) -> [(hour: ClockHour, failure: HourFailure)] {
        let leftAlone = hours.filter(isLeftAlone).compactMap { hour in
            remembered[hour].map { (hour: hour, failure: $0) }
        }
        passed += leftAlone
        if !leftAlone.isEmpty { mayAllPass = false }
        return leftAlone
    }

    /// Notes that `hour` failed; what the ledger has to remember of it.
    mutating func append(_ hour: ClockHour, _ error: any Error) -> HourFailure {
        let failure = HourFailure.next(after: remembered[hour], "\(error)", current: current)
        passed.append((hour, failure))
        if (error as? BigQueryError)?.isWorthAnotherJob != true { mayAllPass = false }
        return failure
    }

    /// What ends the run; nil when no hour was passed over. It is for a person to look at: tried again at once,
    /// the same rows would be staged, and paid for, only to fail again. Jobs that lost against others' statements
    /// are tried again, until their hours are left alone for a while.
    var error: LoadError? {
        let hours = passed.sorted { $0.hour < $1.hour }
        guard let first = hours.first else { return nil }
        let status = mayAllPass ? ExitStatus.unavailable : ExitStatus.software
        guard hours.count > 1 else { return LoadError(first.failure.reason, status: status) }
        let others = hours.dropFirst().map { "\($0.hour)" }.joined(separator: ", ")
        return LoadError(
            "\(hours.count) hours. \(first.hour): \(first.failure.reason). Also \(others)", status: status)
    }
}
