package import Market

/// The pipeline's BigQuery, as the loader is told of it and as we look at it ourselves.
package protocol PipelineWarehouse: Sendable {
    /// For people.
    var name: String { get }
    /// Environment variables that point the loader at it.
    var loaderSettings: [String: String] { get }
    /// What the final table holds.
    func totals() async throws -> WarehouseTotals
    func stop() async throws
}

/// Count and exact sums of a warehouse's final table; no sums without rows.
package struct WarehouseTotals: Equatable, Sendable {
    package let rows: Int
    package let price: Numeric?
    package let volume: Numeric?

    package init(rows: Int, price: Numeric?, volume: Numeric?) {
        self.rows = rows
        self.price = price
        self.volume = volume
    }
}
