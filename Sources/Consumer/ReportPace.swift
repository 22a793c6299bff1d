/// Decides when the group hears how far its partitions are: seldom, since each report is a write to a topic of the
/// brokers, however small the batches.
struct ReportPace {
    private var hasNews = false
    private var next: ContinuousClock.Instant?

    private static let interval = Duration.seconds(1)

    /// A batch was written, of which the group does not know.
    mutating func batchWritten() { hasNews = true }

    /// True when the group is to be told now; it then counts as told.
    ///
    /// - Parameter isLast: nobody comes later who could tell it.
    mutating func isDue(at now: ContinuousClock.Instant, isLast: Bool = false) -> Bool {
        guard hasNews, isLast || next.map({ $0 <= now }) ?? true else { return false }
        hasNews = false
        next = now + Self.interval
        return true
    }

    /// The partitions are read anew or by others: there is nothing to tell of them.
    mutating func forget() { hasNews = false }
}
