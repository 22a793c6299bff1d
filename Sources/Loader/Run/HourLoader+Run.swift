import Logging
import Runtime

extension HourLoader {
    /// How long one hour may take once it is closed: `TimeoutStartSec=` of the unit.
    static let hourLimit = Duration.seconds(30 * 60)

    /// Loads the hours that somebody named, in their order; the number of rejected rows.
    ///
    /// It stops at the first hour that fails: whoever named them looks at it, and names what is left.
    func loadAll(_ hours: [ClockHour]) async throws -> Int {
        try await load(hours) { _, error in throw error }
    }

    /// Loads those of `hours` that are missing or have changed, and what earlier runs left undone before
    /// them, oldest first; the number of rejected rows.
    ///
    /// An hour that cannot be loaded does not keep the others from it: nobody watches, and the same hour
    /// would stand in the way of each run. One that fails again and again is tried ever more rarely.
    func catchUp(_ hours: Range<ClockHour>) async throws -> Int {
        let progress = try await ledger.consumerProgress(topic: topic)
        let isClosed = { HourClosing(of: $0, progress, current: hours.upperBound) == .closed }
        let plan = CatchUp(
            of: hours, source: try await ledger.sourceTotals(of: hours), ledger: try await ledger.remembered(hours),
            isClosed: isClosed)
        let older = try await ledger.olderHours(before: hours.lowerBound)
        tellWhatIsNotLoaded(older, before: hours.lowerBound)
        if let line = plan.unchangedLine(of: hours) { print(line) }
        let due = older.due(isClosed: isClosed) + plan.due
        let remembered = try await ledger.failures()
        for hour in Set(remembered.keys).subtracting(due) { try await ledger.forgetFailures(of: hour) }
        var failed = FailedHours(remembered: remembered, current: hours.upperBound)
        let leftAlone = failed.leaveAlone(due)
        tellWhatIsLeftAlone(leftAlone)
        let rejectedRows = try await load(due.filter { !failed.isLeftAlone($0) }) { hour, error in
            guard FailedHours.concernsOneHour(error) else { throw error }
            try await note(failed.append(hour, error), of: hour)
        }
        // Of the unchanged hours, too: gaps are told later than ticks.
        _ = try await ledger.noteKnownGaps(of: hours, fromTheirStart: true, logger: logger)
        if let error = failed.error { throw error }
        return rejectedRows
    }

    private func note(_ failure: HourFailure, of hour: ClockHour) async throws {
        try await ledger.note(failure, of: hour)
        logger.error(
            "the hour was not loaded, going on with the next",
            metadata: [
                "hour": "\(hour)", "error.message": "\(failure.reason)", "failures": "\(failure.count)",
                "retry.from": "\(failure.retryFrom)", "command": "loader --hour \(hour)",
            ])
    }

    private func tellWhatIsLeftAlone(_ hours: [(hour: ClockHour, failure: HourFailure)]) {
        guard let (hour, failure) = hours.first else { return }
        logger.warning(
            "hours that failed again and again are left alone for a while; the command tries one now",
            metadata: [
                "hours": "\(hours.count)", "first": "\(hour)", "failures": "\(failure.count)",
                "retry.from": "\(failure.retryFrom)", "command": "loader --hour \(hour)",
            ])
    }

    /// Says which hours no run loads by itself, and what to do about them.
    private func tellWhatIsNotLoaded(_ older: OlderHours, before lookback: ClockHour) {
        if let hours = older.unasked(before: lookback) {
            logger.notice(
                "older hours are loaded only when they are named",
                metadata: ["command": "loader --from \(hours.lowerBound) --to \(hours.upperBound)"])
        }
        if let first = older.dropped.first, let last = older.dropped.last {
            logger.warning(
                "the source dropped rows of hours before they were loaded for good; the warehouse keeps what it has",
                metadata: ["hours": "\(older.dropped.count)", "first": "\(first)", "last": "\(last)"])
        }
    }

    /// Loads `hours` in their order, with a line for each on standard output; the number of rejected rows.
    ///
    /// - Parameter handle: is given what an hour failed with, and throws it when the run is to end there.
    private func load(
        _ hours: [ClockHour], handle: (ClockHour, any Error) async throws -> Void
    ) async throws -> Int {
        try await warnOfOlderConsumer()
        var progress = Progress(total: hours.count)
        var watch = ClosingWatch(limit: closeTimeout)
        var rejectedRows = 0
        progress.draw()
        defer { progress.clear() }
        metrics.loadsPending.set(hours.count)
        for hour in hours {
            defer { metrics.loadsPending.set(metrics.loadsPending.value - 1) }
            try Task.checkCancellation()
            // A unit's limit on the time of its start is one for an hour, not for all that an outage left.
            manager.tell(.extendTimeout(by: closeTimeout + Self.hourLimit), .status("loading \(hour)"))
            let start = ContinuousClock.now
            do {
                var report = try await load(hour, waiting: &watch)
                report.knownGaps = try await ledger.noteKnownGaps(of: hour..<hour.next, logger: logger)[hour]
                try await ledger.forgetFailures(of: hour)
                rejectedRows += report.rejectedRows
                metrics.loads.add(report.isProvisional ? .provisional : report.outcome.label)
                progress.finished(report.line(elapsed: .now - start))
            } catch {
                metrics.loads.add(.failed)
                try await handle(hour, error)
            }
        }
        return rejectedRows
    }
}

extension HourReport.Outcome {
    fileprivate var label: LoadOutcome {
        switch self {
        case .published: .published
        case .unchanged: .unchanged
        }
    }
}

extension HourReport {
    /// `2026-01-01T05  51000 rows  2 rejected  published, gap 12 s  1.3 s`
    func line(elapsed: Duration) -> String {
        let tenths = elapsed.components.seconds * 10 + elapsed.components.attoseconds / 100_000_000_000_000_000
        let provisional = isProvisional ? "provisional: the hour was not closed" : nil
        let state = [outcome.rawValue, provisional, knownGaps?.text].compactMap(\.self).joined(separator: ", ")
        return "\(hour)  \(rows) rows  \(rejectedRows) rejected  \(state)  \(tenths / 10).\(tenths % 10) s"
    }
}

extension CatchUp {
    /// `2026-01-01T05 up to 2026-01-03T05  46 hours unchanged`; nil when there is none.
    func unchangedLine(of hours: Range<ClockHour>) -> String? {
        guard unchanged > 0 else { return nil }
        let count = unchanged == 1 ? "1 hour" : "\(unchanged) hours"
        return "\(hours.lowerBound) up to \(hours.upperBound)  \(count) unchanged"
    }
}
