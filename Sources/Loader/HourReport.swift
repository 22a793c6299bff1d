/// How the load of one hour ended.
struct HourReport: Equatable, Sendable {
    enum Outcome: String, Sendable {
        /// The hour was loaded; the final table holds what the source held.
        case published
        /// Source, ledger and final table agreed already; nothing was sent.
        case unchanged
    }

    let hour: ClockHour
    let outcome: Outcome
    let rows: Int
    let rejectedRows: Int
    /// True when the hour was not closed when its rows were read: more may come.
    var isProvisional = false
    /// nil when nobody knows.
    var knownGaps: KnownGaps?
}
