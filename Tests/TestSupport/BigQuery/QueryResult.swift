import Postgres

/// What a statement answered, in BigQuery's types.
struct QueryResult: Sendable {
    struct Column: Sendable {
        let name: String
        let type: ColumnType
    }

    let columns: [Column]
    /// As text; timestamps are microseconds since 1970.
    let rows: [[String?]]
    /// Of an INSERT, UPDATE, DELETE or MERGE.
    let changes: Changes?

    /// What a statement did to rows, as far as BigQuery tells it of such a statement.
    struct Changes: Sendable {
        var inserted: Int?
        var deleted: Int?
        var updated: Int?

        var affectedRows: Int { [inserted, deleted, updated].compactMap(\.self).reduce(0, +) }

        /// `dmlStats` of a job.
        var json: JSON {
            let counts = [("insertedRowCount", inserted), ("deletedRowCount", deleted), ("updatedRowCount", updated)]
            var members: [String: JSON] = [:]
            for (name, count) in counts { if let count { members[name] = .string(String(count)) } }
            return .object(members)
        }
    }

    /// - Parameter result: of a MERGE what ``countingMerge(_:)`` answered.
    init(_ result: borrowing PostgresResult, _ kind: SQLTranslation.Kind) throws(GoogleError) {
        changes = Self.changes(result, kind)
        guard kind == .query else {
            self.columns = []
            self.rows = []
            return
        }
        var columns: [Column] = []
        for index in 0..<result.columnCount {
            guard let type = ColumnType(objectID: result.columnType(index)) else {
                throw .invalidQuery("The fake does not know the type of column \(result.columnName(index))")
            }
            columns.append(Column(name: result.columnName(index), type: type))
        }
        var rows: [[String?]] = []
        for row in 0..<result.rowCount {
            rows.append(
                columns.indices.map { column in result.text(row, column).map { columns[column].type.rest($0) } })
        }
        self.columns = columns
        self.rows = rows
    }

    private static func changes(_ result: borrowing PostgresResult, _ kind: SQLTranslation.Kind) -> Changes? {
        switch kind {
        case .query: return nil
        case .insert: return Changes(inserted: result.affectedRows)
        case .update: return Changes(updated: result.affectedRows)
        case .delete: return Changes(deleted: result.affectedRows)
        case .merge:
            return Changes(
                inserted: Int(result.integer(0, 0) ?? 0), deleted: Int(result.integer(0, 1) ?? 0),
                updated: Int(result.integer(0, 2) ?? 0))
        }
    }

    /// PostgreSQL itself counts all that a MERGE did as one.
    static func countingMerge(_ statement: String) -> String {
        let counts = ["INSERT", "DELETE", "UPDATE"].map { "count(*) FILTER (WHERE action = '\($0)')" }
        return """
            WITH changed AS (\(statement) RETURNING merge_action() AS action)
            SELECT \(counts.joined(separator: ", ")) FROM changed
            """
    }

    var schema: JSON {
        let fields = columns.map { column -> JSON in
            ["name": .string(column.name), "type": .string(column.type.rawValue), "mode": "NULLABLE"]
        }
        return ["fields": .array(fields)]
    }

    func json(rows range: Range<Int>, usesIntegerTimestamps: Bool) -> JSON {
        let list = rows[range].map { row -> JSON in
            let values = zip(columns, row).map { column, value -> JSON in
                guard let value else { return ["v": .null] }
                guard column.type == .timestamp, !usesIntegerTimestamps, let micros = Int64(value) else {
                    return ["v": .string(value)]
                }
                return ["v": .string(TimestampText.floatSeconds(micros))]
            }
            return ["f": .array(values)]
        }
        return .array(list)
    }
}

extension ColumnType {
    /// By PostgreSQL's object id (its manual, `pg_type`).
    fileprivate init?(objectID: UInt32) {
        switch objectID {
        case 16: self = .boolean
        case 20, 21, 23: self = .integer
        case 25, 1043: self = .string
        case 701: self = .float
        case 1082: self = .date
        case 1184: self = .timestamp
        case 1700: self = .numeric
        default: return nil
        }
    }

    /// PostgreSQL's text of a value as the REST API spells it.
    fileprivate func rest(_ text: String) -> String {
        switch self {
        case .boolean: text == "t" ? "true" : "false"
        case .timestamp: TimestampText.microseconds(text).map(String.init) ?? text
        case .numeric, .bigNumeric: withoutTrailingZeros(text)
        default: text
        }
    }
}

private func withoutTrailingZeros(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = text
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
}
