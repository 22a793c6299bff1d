import Runtime

/// The hours that a run passed over, and what it says of them in the end.
struct FailedHours {
    private var hours: [(hour: ClockHour, error: any Error)] = []

    mutating func append(_ hour: ClockHour, _ error: any Error) { hours.append((hour, error)) }

    /// True for a failure that need not meet the next hour: its rows, or what the warehouse holds of it.
    /// What is away, or refuses us, is so for every hour.
    static func concernsOneHour(_ error: any Error) -> Bool {
        switch error {
        case is LoadError: true
        case let error as BigQueryError: error.kind == .badRequest || error.kind == .tooLarge
        default: false
        }
    }

    /// What ends the run; nil when no hour failed. It is for a person to look at: tried again at once, the same
    /// rows would be staged, and paid for, only to fail again. The next run tries them once more.
    var error: LoadError? {
        guard let first = hours.first else { return nil }
        guard hours.count > 1 else { return LoadError("\(first.error)", status: ExitStatus.software) }
        let others = hours.dropFirst().map { "\($0.hour)" }.joined(separator: ", ")
        return LoadError(
            "\(hours.count) hours. \(first.hour): \(first.error). Also \(others)", status: ExitStatus.software)
    }
}
