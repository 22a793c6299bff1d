import TestSupport

extension Demo {
    /// Loads every hour that the rows cover, and again: no further run may change anything.
    ///
    /// - Returns: what happened, for people, and whether it is as promised.
    func load(_ pipeline: Pipeline, _ progress: inout ProgressLine) async throws -> (String, Bool) {
        let format = #"'YYYY-MM-DD"T"HH24'"#
        let hours = try await pipeline.database.rows(
            """
            SELECT to_char(min(time) AT TIME ZONE 'UTC', \(format)),
                to_char(max(time) AT TIME ZONE 'UTC' + interval '1 hour', \(format)) FROM trade_data
            """)
        guard let from = hours[0][0], let to = hours[0][1] else { return ("no rows to load", false) }
        let range = ["--from", from, "--to", to]
        progress.step("running the loader: \(range.joined(separator: " "))")
        let start = ContinuousClock.now
        let (exit, output, errors) = try await pipeline.runLoader(range)
        let seconds = milliseconds(.now - start) / 1_000
        guard exit == .code(0) else { return ("\(exit): \(errors.last ?? "")", false) }
        let first = "\(output.count) hours, \(from) up to \(to), in \(seconds) s"
        guard loads > 1 else { return (first, true) }
        let (again, isUnchanged) = try await loadAgain(range, pipeline, &progress)
        return ("\(first); \(again)", isUnchanged)
    }

    /// With its ledger the loader sees that the hours are there; without it, it has to replace them.
    private func loadAgain(
        _ range: [String], _ pipeline: Pipeline, _ progress: inout ProgressLine
    ) async throws -> (String, Bool) {
        let before = try await pipeline.warehouse.totals()
        for run in 2...loads {
            let forgets = run.isMultiple(of: 2)
            if forgets { try await pipeline.database.execute("DELETE FROM warehouse_loads") }
            progress.step("loading the same hours, \(run) of \(loads)\(forgets ? ", without the ledger" : "")")
            let (exit, _, errors) = try await pipeline.runLoader(range)
            guard exit == .code(0) else { return ("run \(run): \(exit): \(errors.last ?? "")", false) }
            let now = try await pipeline.warehouse.totals()
            guard now == before else { return ("run \(run) changed \(before) into \(now)", false) }
        }
        return ("the same after \(loads) runs", true)
    }
}
