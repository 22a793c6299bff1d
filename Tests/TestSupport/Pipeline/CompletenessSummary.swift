package import Market

/// What the view `completeness` says of all that is in the table: how much of what the exchange's own sums tell
/// is missing.
package struct CompletenessSummary: Equatable, Sendable {
    /// Markets and hours.
    package let marketHours: Int
    package let ticks: Int
    /// Ticks whose frames had no sum: of them nothing is proven.
    package let unsummedTicks: Int
    /// Markets and hours in which, or beside which, something is missing.
    package let incompleteHours: Int
    /// Within hours, and between one and the next.
    package let missingVolume: Numeric

    package init(of database: DatabaseProbe) async throws {
        let rows = try await database.rows(
            """
            SELECT count(*), coalesce(sum(ticks), 0), coalesce(sum(unsummed), 0),
                count(*) FILTER (WHERE missing_volume > 0 OR missing_before > 0 OR missing_after > 0),
                coalesce(sum(missing_volume + coalesce(missing_before, 0)), 0)
            FROM completeness
            """)
        let counts = rows[0].prefix(4).compactMap { $0.flatMap { Int($0) } }
        guard counts.count == 4, let missing = rows[0][4] else { throw SetupError("no completeness: \(rows)") }
        (marketHours, ticks, unsummedTicks, incompleteHours) = (counts[0], counts[1], counts[2], counts[3])
        missingVolume = try Numeric(missing)
    }

    /// Whether each of so many rows was weighed, and nothing is missing.
    package func proves(rows: Int) -> Bool {
        ticks == rows && unsummedTicks == 0 && incompleteHours == 0 && missingVolume == Numeric(units: 0)
    }

    /// For people.
    package var text: String {
        let unsummed = unsummedTicks > 0 ? ", \(grouped(unsummedTicks)) of them without a sum" : ""
        let missing =
            incompleteHours > 0 ? "volume \(missingVolume) missing in \(grouped(incompleteHours)) of them" : "0 missing"
        return "\(grouped(ticks)) ticks\(unsummed) in \(grouped(marketHours)) market-hours, \(missing)"
    }
}
