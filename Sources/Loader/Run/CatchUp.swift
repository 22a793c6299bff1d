/// What the ledger says that the source held of an hour when it was published.
struct RememberedHour: Equatable, Sendable {
    /// False when a load of it was begun and did not come to its end.
    let isPublished: Bool
    /// True when it was not closed when its rows were read.
    let isProvisional: Bool
    /// The rows that are in the warehouse, and those that it refused.
    let source: SourceTotals
}

/// Decides which of the last hours have to be loaded: what an earlier run missed, did not finish, read too
/// early, or could not know of.
struct CatchUp: Equatable, Sendable {
    /// Oldest first.
    private(set) var due: [ClockHour] = []
    /// Hours that the warehouse holds as the source does, by the ledger.
    private(set) var unchanged = 0

    /// - Parameters:
    ///   - hours: the last of them is always due, also without rows: an empty hour is in the ledger, too.
    ///   - source: what the source holds now; hours without rows are not in it.
    init(
        of hours: Range<ClockHour>, source: [ClockHour: SourceTotals], ledger: [ClockHour: RememberedHour],
        isClosed: (ClockHour) -> Bool
    ) {
        for hour in hours {
            let now = source[hour] ?? SourceTotals()
            if hour.next == hours.upperBound {
                due.append(hour)
            } else if let remembered = ledger[hour] {
                let isFinal = remembered.isPublished && !(remembered.isProvisional && isClosed(hour))
                if isFinal, remembered.source.agrees(with: now) { unchanged += 1 } else { due.append(hour) }
            } else if now.rows > 0 {
                due.append(hour)
            }
        }
    }
}
