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

    /// Lets a loader find by itself what is left to do, then loads every hour by its name, which must change and
    /// publish nothing.
    ///
    /// - Returns: what was not as promised.
    func load(_ world: FaultWorld) async throws -> [String] {
        // What was meant for loaders that were killed before they met it.
        world.warehouse.fake.clearFaults()
        var differences = try await load(nil, world)
        let totals = try await world.warehouse.totals()
        let position = world.warehouse.fake.exchanges.count
        for hour in names { differences += try await load(hour, world) }
        let again = try await world.warehouse.totals()
        if totals != again { differences.append("a second load changed \(totals) to \(again)") }
        return differences + Self.changes(in: world.warehouse.fake.exchanges.elements(after: position))
    }

    private func load(_ hour: String?, _ world: FaultWorld) async throws -> [String] {
        let loader = try world.loader(hour: hour)
        let exit = try await loader.exitStatus(within: .seconds(300))
        try await loader.errors.closed(within: .seconds(10), "the loader's output")
        let words = loader.errors.elements.last ?? ""
        return exit == .code(0) ? [] : ["loading \(hour ?? "what is left"): \(exit): \(words)"]
    }

    /// Rows that were staged, and jobs: loads of hours that the warehouse holds have neither.
    static func changes(in exchanges: some Collection<FakeBigQuery.Exchange>) -> [String] {
        let rows = exchanges.reduce(0) { $0 + $1.rows }
        let jobs = exchanges.count { $0.endpoint == .createJob }
        guard rows > 0 || jobs > 0 else { return [] }
        return ["a second load staged \(rows) rows and began \(jobs) jobs, when there was nothing to do"]
    }
}
