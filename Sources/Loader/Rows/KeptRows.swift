import Runtime

/// What the warehouse has of an hour before it is loaded again, and would lose to a source with less.
///
/// The source drops old rows (retention, `drop_chunks`), and a database can be new: the warehouse is
/// then the only place that still has them, so fewer rows never replace more unless that is asked for.
struct KeptRows: Equatable, Sendable {
    var rows = 0
    /// Read from the source with the others, and not in the warehouse.
    var rejectedRows = 0

    /// Throws when a source of `sourceRows`, rejected ones included, is short of what is kept.
    func refuse(fewer sourceRows: Int, of hour: ClockHour) throws {
        guard sourceRows < rows + rejectedRows else { return }
        let rejected = rejectedRows > 0 ? " (and rejected \(rejectedRows))" : ""
        throw LoadError(
            "the warehouse holds \(rows) rows\(rejected) of \(hour), the source only \(sourceRows). Retention may"
                + " have dropped rows, TIMESCALEDB_DBNAME be another database, or somebody else have written to the"
                + " warehouse. Nothing was changed;"
                + " --replace publishes what the source holds now all the same",
            status: ExitStatus.software)
    }
}

extension KeptRows {
    /// What a load published, or should have.
    init(_ entry: LedgerEntry) { self.init(rows: entry.totals.rows, rejectedRows: entry.rejectedRows) }
}
