// The SQL that BigQuery runs for the loader. It is kept to what BigQuery and its emulators have in
// common: no scripts, no partition decorators, no BIGNUMERIC.

extension Statement {
    /// Fails whenever it runs, with a message for whoever waits for the job. It touches no table and costs nothing.
    static let failing = Statement(
        text: "SELECT ERROR('a later run took the id of this job, and publishes the hour under another')",
        parameters: [])
}

extension BigQuery.Target {
    /// Count and sums of what is staged for one load. A row that landed twice counts once: its
    /// copies are equal in every column.
    func stagedTotals(of load: Load, withSums: Bool) -> Statement {
        Statement(
            text: """
                SELECT \(totals(withSums)) FROM (\(stagedRows)) AS staged
                """,
            parameters: load.parameters)
    }

    /// Count and sums of an hour in the final table.
    func publishedTotals(of hour: ClockHour, withSums: Bool) -> Statement {
        Statement(
            text: """
                SELECT \(totals(withSums)) FROM `\(name)` WHERE time >= @from AND time < @to
                """,
            parameters: hour.parameters)
    }

    /// Replaces the hour by what is staged, in one statement: readers see the old hour or the new one.
    ///
    /// `ON FALSE` matches nothing, so every staged row is inserted and every row that the hour had is
    /// deleted. The final table is never streamed into, so no row of it is in a streaming buffer,
    /// where it could not be deleted.
    func publish(_ load: Load) -> Statement {
        Statement(
            text: """
                MERGE `\(name)` AS T USING (\(stagedRows)) AS S ON FALSE \
                WHEN NOT MATCHED BY TARGET THEN \
                INSERT (time, code, trade_price, trade_volume) \
                VALUES (S.time, S.code, S.trade_price, S.trade_volume) \
                WHEN NOT MATCHED BY SOURCE AND T.time >= @from AND T.time < @to THEN DELETE
                """,
            parameters: load.parameters + load.hour.parameters)
    }

    /// `loaded_at` only narrows the search to one partition: the load's id alone tells its rows.
    private var stagedRows: String {
        """
        SELECT DISTINCT ordinal, time, code, trade_price, trade_volume FROM `\(stagingName)` \
        WHERE loaded_at = @loaded_at AND load_id = @load_id
        """
    }

    /// A SUM that leaves NUMERIC is an error of the whole query, so it is asked for only when it fits.
    private func totals(_ withSums: Bool) -> String {
        withSums
            ? "COUNT(*) AS row_count, SUM(trade_price) AS price, SUM(trade_volume) AS volume"
            : "COUNT(*) AS row_count"
    }
}

extension Load {
    fileprivate var parameters: [QueryParameter] {
        [.timestamp("loaded_at", startedAt), .string("load_id", id)]
    }
}

extension ClockHour {
    fileprivate var parameters: [QueryParameter] {
        [.timestamp("from", start), .timestamp("to", next.start)]
    }
}
