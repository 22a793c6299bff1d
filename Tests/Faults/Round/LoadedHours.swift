import TestSupport

/// The clock hours of a session, for the loader.
struct LoadedHours: Sendable {
    /// `2026-01-01T05`, in their order.
    let names: [String]

    static func of(_ session: Session, _ database: DatabaseProbe) async throws -> LoadedHours {
        let totals = session.totals()
        let (first, last) = (totals.firstHour ?? 0, totals.lastHour ?? 0)
        let rows = try await database.rows(
            """
            SELECT to_char(to_timestamp($1::bigint / 1000 + hour * 3600) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24')
            FROM generate_series(0, $2::int) AS hour
            """, ["\(first)", "\((last - first) / 3_600_000)"])
        return LoadedHours(names: rows.compactMap(\.first).compactMap(\.self))
    }

    /// Loads every hour to its end, and once more, which must change nothing.
    ///
    /// - Returns: what was not as promised.
    func load(_ world: FaultWorld) async throws -> [String] {
        // What was meant for loaders that were killed before they met it.
        world.warehouse.fake.clearFaults()
        var differences: [String] = []
        var totals: [WarehouseTotals] = []
        for _ in 1...2 {
            for hour in names {
                let loader = try world.loader(hour: hour)
                let exit = try await loader.exitStatus(within: .seconds(300))
                try await loader.errors.closed(within: .seconds(10), "the loader's output")
                if exit != .code(0) {
                    differences.append("loading \(hour): \(exit): \(loader.errors.elements.last ?? "")")
                }
            }
            totals.append(try await world.warehouse.totals())
        }
        if totals.first != totals.last { differences.append("a second load changed \(totals)") }
        return differences
    }
}
