import FoundationEssentials
import Logging

extension HourLoader {
    /// Loads the hours in their order, a line for each on standard output; the number of rejected rows.
    ///
    /// It stops at the first hour that fails: what keeps one from being loaded keeps the next, too.
    func loadAll(_ hours: [ClockHour]) async throws -> Int {
        var progress = Progress(total: hours.count)
        var rejectedRows = 0
        progress.draw()
        defer { progress.clear() }
        for hour in hours {
            try Task.checkCancellation()
            if ClockHour(containing: .now) <= hour {
                logger.warning("the hour is not over; run again when it is", metadata: ["hour": "\(hour)"])
            }
            let start = ContinuousClock.now
            let report = try await load(hour)
            rejectedRows += report.rejectedRows
            progress.finished(report.line(elapsed: .now - start))
        }
        return rejectedRows
    }
}

extension HourReport {
    /// `2026-01-01T05  51000 rows  2 rejected  published  1.3 s`
    func line(elapsed: Duration) -> String {
        let tenths = elapsed.components.seconds * 10 + elapsed.components.attoseconds / 100_000_000_000_000_000
        let state = isProvisional ? "\(outcome.rawValue), provisional: the hour was not over" : outcome.rawValue
        return "\(hour)  \(rows) rows  \(rejectedRows) rejected  \(state)  \(tenths / 10).\(tenths % 10) s"
    }
}
