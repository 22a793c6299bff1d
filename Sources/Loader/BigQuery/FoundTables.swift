import FoundationEssentials

/// The tables of a target, as they were found; nil where there is none.
struct FoundTables: Sendable {
    let final: TableAnswer?
    let staging: TableAnswer?

    /// True when insertAll may not find the staging table yet, whichever run created it.
    ///
    /// - Parameter isCreated: whether this run creates what is missing.
    func isStagingNew(isCreated: Bool, at now: Date) -> Bool {
        guard let staging else { return isCreated }
        guard let createdAt = staging.createdAt else { return false }
        return now.timeIntervalSince(createdAt) < Self.newSeconds
    }

    /// Google answers 404 for some minutes; twice as many as ``RetryLimits/newTable`` waits for.
    private static let newSeconds = 900.0
}
