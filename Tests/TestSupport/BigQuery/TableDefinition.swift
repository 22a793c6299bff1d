/// A dataset and a table in it.
package struct TableName: Hashable, Sendable {
    package let dataset: String
    package let table: String

    /// The same names are a schema and a table in PostgreSQL.
    var quoted: String { "\"\(dataset)\".\"\(table)\"" }

    /// Letters, digits and underscores, so that a name needs no escaping anywhere.
    static func isValid(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 60 && !name.hasPrefix("pg_")
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }
}

/// What tables.insert said about a table, checked.
struct TableDefinition: Sendable {
    struct Column: Sendable {
        let name: String
        let type: ColumnType
        let isRequired: Bool
    }

    let name: TableName
    let columns: [Column]
    /// The column that the table is partitioned by, when it is.
    let partitionColumn: String?
    /// `HOUR`, `DAY` … and how long a partition is kept after its beginning; nil for ever.
    private let expiry: (unit: String, microseconds: Int64)?
    /// The request, which tables.get answers.
    private let resource: JSON
    let created: Int64

    /// Reads a body of tables.insert.
    init(_ body: JSON, dataset: String, created: Int64) throws(GoogleError) {
        guard let table = body["tableReference"]?["tableId"]?.text, TableName.isValid(table) else {
            throw .invalid("Invalid table ID")
        }
        guard let fields = body["schema"]?["fields"]?.elements, !fields.isEmpty else {
            throw .invalid("Schema has no fields")
        }
        name = TableName(dataset: dataset, table: table)
        var columns: [Column] = []
        for field in fields { columns.append(try Self.column(field)) }
        guard Set(columns.map { $0.name.lowercased() }).count == columns.count else {
            throw .invalid("Duplicate field in the schema")
        }
        self.columns = columns
        partitionColumn = try Self.partitioning(body["timePartitioning"], columns)
        expiry = body["timePartitioning"].flatMap { partitioning in
            guard let unit = partitioning["type"]?.text, let milliseconds = partitioning["expirationMs"]?.integer
            else { return nil }
            return (unit, milliseconds * 1_000)
        }
        try Self.checkClustering(body["clustering"], columns)
        resource = body
        self.created = created
    }

    private static func column(_ field: JSON) throws(GoogleError) -> Column {
        guard let name = field["name"]?.text, TableName.isValid(name) else { throw .invalid("Invalid field name") }
        guard let typeName = field["type"]?.text, let type = ColumnType(name: typeName) else {
            throw .invalid("Invalid value for type of field \(name)")
        }
        let mode = field["mode"]?.text ?? "NULLABLE"
        guard mode == "NULLABLE" || mode == "REQUIRED" else { throw .invalid("Unsupported mode \(mode) of \(name)") }
        return Column(name: name, type: type, isRequired: mode == "REQUIRED")
    }

    private static func partitioning(_ partitioning: JSON?, _ columns: [Column]) throws(GoogleError) -> String? {
        guard let partitioning else { return nil }
        guard let type = partitioning["type"]?.text, ["HOUR", "DAY", "MONTH", "YEAR"].contains(type) else {
            throw .invalid("Unsupported type of timePartitioning")
        }
        if let expiration = partitioning["expirationMs"] {
            guard let milliseconds = expiration.integer, milliseconds > 0 else {
                throw .invalid("Invalid expirationMs of timePartitioning")
            }
        }
        guard let field = partitioning["field"]?.text else {
            throw .invalid("Partitioning by ingestion time is not known to this fake")
        }
        guard let column = columns.first(where: { $0.name == field }) else {
            throw .invalid("The field specified for partitioning cannot be found in the schema: \(field)")
        }
        guard column.type == .timestamp || (column.type == .date && type != "HOUR") else {
            throw .invalid("\(type) partitioning is not supported on a field of type \(column.type.rawValue)")
        }
        return field
    }

    private static func checkClustering(_ clustering: JSON?, _ columns: [Column]) throws(GoogleError) {
        guard let clustering else { return }
        let fields = clustering["fields"]?.elements ?? []
        guard (1...4).contains(fields.count) else { throw .invalid("Clustering takes 1 to 4 fields") }
        for field in fields {
            guard let column = columns.first(where: { $0.name == field.text }) else {
                throw .invalid("The field specified for clustering cannot be found in the schema: \(field)")
            }
            if column.type == .float { throw .invalid("Clustering is not supported on type FLOAT") }
        }
    }

    var createStatement: String {
        let columns = columns.map { "\"\($0.name)\" \($0.type.postgres)\($0.isRequired ? " NOT NULL" : "")" }
        return "CREATE TABLE \(name.quoted) (\(columns.joined(separator: ", ")))"
    }

    /// Deletes the partitions that have expired; nil when none ever does.
    func expiryStatement(now: Int64) -> String? {
        guard let partitionColumn, let expiry else { return nil }
        return """
            DELETE FROM \(name.quoted) WHERE date_trunc('\(expiry.unit)', "\(partitionColumn)", 'UTC') \
            <= timestamptz 'epoch' + \(now - expiry.microseconds) * interval '1 microsecond'
            """
    }

    /// The resource, with types spelled as the REST API spells them.
    func json(project: String) -> JSON {
        guard case .object(var members) = resource else { return resource }
        members["kind"] = "bigquery#table"
        members["type"] = "TABLE"
        members["id"] = .string("\(project):\(name.dataset).\(name.table)")
        members["tableReference"] = [
            "projectId": .string(project), "datasetId": .string(name.dataset), "tableId": .string(name.table),
        ]
        members["creationTime"] = .string(String(created / 1_000))
        let fields = columns.map { column -> JSON in
            [
                "name": .string(column.name), "type": .string(column.type.rawValue),
                "mode": column.isRequired ? "REQUIRED" : "NULLABLE",
            ]
        }
        members["schema"] = ["fields": .array(fields)]
        return .object(members)
    }
}
