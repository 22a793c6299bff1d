import Logging

extension BigQuery {
    /// Creates what is missing: dataset, final table, staging table. True when the staging table is new.
    ///
    /// It looks before it creates, so that an account that may only write is enough once all exists.
    func createMissing() async throws -> Bool {
        if try await !exists(target.datasetPath) {
            try await create(
                "/projects/\(target.project)/datasets",
                DatasetRequest(
                    datasetReference: .init(projectId: target.project, datasetId: target.dataset),
                    location: target.location))
        }
        for table in [target.finalTableRequest, target.stagingTableRequest] {
            guard try await !exists("\(target.datasetPath)/tables/\(table.tableReference.tableId)") else { continue }
            let isNew = try await create("\(target.datasetPath)/tables", table)
            if isNew, table.tableReference.tableId == target.stagingTable { return true }
        }
        return false
    }

    private struct Anything: Decodable {}

    private func exists(_ path: String) async throws -> Bool {
        do {
            let _: Anything = try await call(.get, path)
            return true
        } catch let error as BigQueryError where error.kind == .notFound {
            return false
        }
    }

    /// False when another loader was faster.
    @discardableResult
    private func create(_ path: String, _ request: some Encodable) async throws -> Bool {
        do {
            let _: Anything = try await call(path, request)
            logger.info("created", metadata: ["bigquery.path": "\(path)"])
            return true
        } catch let error as BigQueryError where error.kind == .conflict {
            return false
        }
    }
}

extension BigQuery.Target {
    var finalTableRequest: TableRequest {
        request(
            table, fields: Self.rowFields, partitioning: .init(type: partitioning, field: "time"),
            clusteredBy: "code")
    }

    /// Partitioned by when a load started, not by the hour that it loads: rows of an hour long past
    /// would be in a partition that has expired before they arrive.
    var stagingTableRequest: TableRequest {
        let threeDaysMilliseconds = "259200000"
        let own = [("loaded_at", "TIMESTAMP"), ("load_id", "STRING"), ("ordinal", "INT64")].map {
            TableRequest.Schema.Field(name: $0.0, type: $0.1, mode: "REQUIRED")
        }
        return request(
            stagingTable, fields: own + Self.rowFields,
            partitioning: .init(type: "DAY", field: "loaded_at", expirationMs: threeDaysMilliseconds),
            clusteredBy: "load_id")
    }

    private static let rowFields = [
        TableRequest.Schema.Field(name: "time", type: "TIMESTAMP", mode: "REQUIRED"),
        TableRequest.Schema.Field(name: "code", type: "STRING", mode: "REQUIRED"),
        TableRequest.Schema.Field(name: "trade_price", type: "NUMERIC", mode: "NULLABLE"),
        TableRequest.Schema.Field(name: "trade_volume", type: "NUMERIC", mode: "NULLABLE"),
    ]

    private func request(
        _ table: String, fields: [TableRequest.Schema.Field], partitioning: TableRequest.Partitioning,
        clusteredBy column: String
    ) -> TableRequest {
        TableRequest(
            tableReference: .init(projectId: project, datasetId: dataset, tableId: table),
            schema: .init(fields: fields), timePartitioning: partitioning, clustering: .init(fields: [column]))
    }
}
