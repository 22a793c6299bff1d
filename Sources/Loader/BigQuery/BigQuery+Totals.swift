import Market

extension BigQuery {
    /// What is staged for `load`; without sums when they may leave NUMERIC.
    func stagedTotals(of load: Load, like expected: LoadTotals) async throws -> LoadTotals {
        let withSums = expected.hasSums
        return try LoadTotals(row: await query(target.stagedTotals(of: load, withSums: withSums)).first ?? [])
    }

    /// What the final table holds of `hour`; without sums when they may leave NUMERIC.
    func publishedTotals(of hour: ClockHour, like expected: LoadTotals) async throws -> LoadTotals {
        let withSums = expected.hasSums
        return try LoadTotals(row: await query(target.publishedTotals(of: hour, withSums: withSums)).first ?? [])
    }
}

extension LoadTotals {
    var hasSums: Bool { price != nil && volume != nil }

    /// Reads count, price and volume as a database spells them. A sum over no rows is NULL.
    init(row: [String?]) throws {
        guard let text = row.first ?? nil, let rows = Int(text) else {
            throw BigQueryError(status: 200, reason: "unexpectedAnswer", message: "a count is missing: \(row)")
        }
        self.rows = rows
        if row.count == 3 {
            price = try row[1].map { try Numeric($0) } ?? Numeric(units: 0)
            volume = try row[2].map { try Numeric($0) } ?? Numeric(units: 0)
        } else {
            price = nil
            volume = nil
        }
    }
}
