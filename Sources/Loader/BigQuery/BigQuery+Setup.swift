import Logging
import Runtime

extension BigQuery {
    /// Looks for final table and staging table, and checks those that there are.
    func findTables() async throws -> FoundTables {
        FoundTables(
            final: try await find(target.finalTableRequest), staging: try await find(target.stagingTableRequest))
    }

    /// Creates the tables that are missing, and the dataset if need be.
    ///
    /// It is looked at before anything is created, so that an account that may only write is enough once all exists.
    func createMissing(of found: FoundTables) async throws {
        let tables = missing(of: found)
        guard !tables.isEmpty else { return }
        if try await find(Anything.self, at: target.datasetPath) == nil {
            try await create(
                "/projects/\(target.project)/datasets",
                DatasetRequest(
                    datasetReference: .init(projectId: target.project, datasetId: target.dataset),
                    location: target.location))
        }
        for table in tables { try await create("\(target.datasetPath)/tables", table) }
    }

    /// For a run that may not create what is missing.
    func requireAll(of found: FoundTables) throws(ConfigurationError) {
        let names = missing(of: found).map(\.tableReference.tableId).joined(separator: ", ")
        guard !names.isEmpty else { return }
        throw ConfigurationError(
            "BIGQUERY_CREATE is false, and of \(target.project).\(target.dataset) is missing: \(names)."
                + " Nothing was changed. Restore what was dropped, or set BIGQUERY_CREATE=true: that run also loads"
                + " again what was in the final table")
    }

    /// What ``createMissing(of:)`` would create, by name; checks the tables that there are.
    func missingNames() async throws -> [String] {
        let hasDataset = try await find(Anything.self, at: target.datasetPath) != nil
        let found = hasDataset ? try await findTables() : FoundTables(final: nil, staging: nil)
        return (hasDataset ? [] : ["dataset \(target.dataset)"]) + missing(of: found).map(\.tableReference.tableId)
    }

    private func missing(of found: FoundTables) -> [TableRequest] {
        (found.final == nil ? [target.finalTableRequest] : [])
            + (found.staging == nil ? [target.stagingTableRequest] : [])
    }

    private func find(_ table: TableRequest) async throws -> TableAnswer? {
        let path = "\(target.datasetPath)/tables/\(table.tableReference.tableId)"
        let answer = try await find(TableAnswer.self, at: path)
        if let answer { try table.check(answer) }
        return answer
    }

    private struct Anything: Decodable {}

    /// The resource at `path`; nil when there is none.
    private func find<Answer: Decodable>(_ type: Answer.Type, at path: String) async throws -> Answer? {
        do {
            return try await call(.get, path)
        } catch let error as BigQueryError where error.kind == .notFound {
            return nil
        } catch let error as BigQueryError where error.kind == .badRequest {
            throw Self.misnamed(error)
        }
    }

    /// No rows are in such a request: what it says of tables and their places is ours.
    private static func misnamed(_ error: BigQueryError) -> ConfigurationError {
        ConfigurationError(
            "are BIGQUERY_PROJECT, BIGQUERY_DATASET, BIGQUERY_TABLE, BIGQUERY_LOCATION and BIGQUERY_PARTITIONING right?"
                + " \(error)")
    }

    /// Another loader may be faster.
    private func create(_ path: String, _ request: some Encodable) async throws {
        do {
            let _: Anything = try await call(path, request)
            logger.info("created", metadata: ["bigquery.path": "\(path)"])
        } catch let error as BigQueryError where error.kind == .conflict {
        } catch let error as BigQueryError where error.kind == .badRequest {
            throw Self.misnamed(error)
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

extension TableRequest {
    /// Refuses a table that somebody made in another way: BigQuery would turn our decimals into its `FLOAT`, or
    /// round them to the digits of a `NUMERIC(P,S)`, without a word. What an emulator does not tell is believed.
    func check(_ found: TableAnswer) throws(ConfigurationError) {
        guard let columns = found.schema?.fields else { return }
        for field in schema.fields {
            let column = columns.first { $0.name.lowercased() == field.name.lowercased() }
            guard column?.fullType == field.type else {
                throw ConfigurationError(
                    "BIGQUERY_TABLE: \(tableReference.datasetId).\(tableReference.tableId) has"
                        + " \(column.map { "\($0.name) \($0.fullType)" } ?? "no column \(field.name)"). It must have "
                        + schema.fields.map { "\($0.name) \($0.type)" }.joined(separator: ", "))
            }
        }
    }
}

extension TableAnswer.Schema.Field {
    /// The type with its digits, when they are limited. The REST interface has older names for some.
    fileprivate var fullType: String {
        let names = ["INTEGER": "INT64", "DECIMAL": "NUMERIC", "FLOAT": "FLOAT64"]
        let name = names[type.uppercased()] ?? type.uppercased()
        let digits = [precision, scale].compactMap(\.self).joined(separator: ", ")
        return digits.isEmpty ? name : "\(name)(\(digits))"
    }
}
