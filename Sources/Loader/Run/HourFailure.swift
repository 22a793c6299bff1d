/// What the ledger remembers of an hour that failed for reasons of its own each time it was tried.
///
/// Each try stages the rows, and pays for them, only to fail again. So the tries of the hourly runs become
/// rarer, down to one a day; whoever names the hour has it tried at once.
struct HourFailure: Equatable, Sendable {
    /// How often in a row.
    let count: Int
    /// Runs in an earlier clock hour than this pass the hour over.
    let retryFrom: ClockHour
    /// The last error.
    let reason: String

    /// - Parameter current: the clock hour of the run in which it failed.
    static func next(after earlier: HourFailure?, _ reason: String, current: ClockHour) -> HourFailure {
        let count = (earlier?.count ?? 0) + 1
        return HourFailure(
            count: count, retryFrom: current.advanced(by: pauseHours(after: count)), reason: reason)
    }

    /// 0, 1, 3, 7, 15, then always 24: the first two failures cost no hourly run, since what caused them is
    /// often mended soon.
    static func pauseHours(after failures: Int) -> Int { min((1 << min(failures - 1, 10)) - 1, 24) }
}
