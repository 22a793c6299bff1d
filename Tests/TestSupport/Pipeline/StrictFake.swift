import Market
package import Postgres

/// The strict fake as the pipeline's BigQuery, with credentials as in production.
package struct StrictFake: PipelineWarehouse {
    package let name = "a strict fake"
    package let loaderSettings: [String: String]
    package let fake: FakeBigQuery
    /// Where the fake keeps its tables, a schema for each dataset.
    package let database: PostgresConfiguration

    /// - Parameter folder: where the key file of its service account is written.
    init(database: PostgresConfiguration, folder: String) async throws {
        var options = FakeBigQuery.Options()
        options.authentication = true
        self.database = database
        fake = try await FakeBigQuery(database: database, options: options)
        let keyFile = "\(folder)/service-account.json"
        try fake.writeServiceAccount(to: keyFile)
        loaderSettings = [
            "GOOGLE_APPLICATION_CREDENTIALS": keyFile, "BIGQUERY_ENDPOINT": "http://\(fake.host)",
        ]
    }

    /// As PostgreSQL names it.
    package static let finalTable = "upbit.trade_data"

    package func totals() async throws -> WarehouseTotals {
        WarehouseTotals(
            rows: try await fake.count("upbit", "trade_data"),
            price: try await fake.sum("upbit", "trade_data", "trade_price").map { try Numeric($0) },
            volume: try await fake.sum("upbit", "trade_data", "trade_volume").map { try Numeric($0) })
    }

    package func stop() async throws { try await fake.stop() }
}
