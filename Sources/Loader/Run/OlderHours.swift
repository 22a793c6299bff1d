/// What ledger and source say of the hours before those that a run looks back on.
struct OlderHours: Equatable, Sendable {
    /// An hour of the ledger that was not loaded for good.
    struct Unfinished: Equatable, Sendable {
        let hour: ClockHour
        /// True when it was published provisionally, or failed since; false when a load of it did not come to its
        /// end.
        let isPublished: Bool
    }

    var unfinished: [Unfinished] = []
    /// With rows, behind the ledger's first hour and not in it: no run came by in time.
    var missed: [ClockHour] = []
    /// nil while the ledger is empty.
    var firstInLedger: ClockHour?
    /// The hour of the source's first row; nil when it has none.
    var firstInSource: ClockHour?

    /// Hours that a run has to load, oldest first.
    func due(isClosed: (ClockHour) -> Bool) -> [ClockHour] {
        let open = unfinished.filter { isInSource($0.hour) && (!$0.isPublished || isClosed($0.hour)) }
        return Set(open.map(\.hour) + missed).sorted()
    }

    /// Unfinished hours of which the source has no rows any more, oldest first. Loading them could only
    /// take away what the warehouse has.
    var dropped: [ClockHour] { unfinished.map(\.hour).filter { !isInSource($0) } }

    /// Hours with rows before any that a run loads by itself: somebody has to ask for them.
    ///
    /// - Parameter lookback: the first hour that a run looks back on.
    func unasked(before lookback: ClockHour) -> Range<ClockHour>? {
        let firstLoaded = min(firstInLedger ?? lookback, lookback)
        guard let firstInSource, firstInSource < firstLoaded else { return nil }
        return firstInSource..<firstLoaded
    }

    private func isInSource(_ hour: ClockHour) -> Bool { firstInSource.map { $0 <= hour } ?? false }
}
