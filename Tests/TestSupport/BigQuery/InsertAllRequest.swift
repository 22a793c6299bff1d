/// A body of `tabledata.insertAll`, checked row by row as the service does.
struct InsertAllRequest: Sendable {
    static let rowLimit = 50_000
    /// Of the whole body, uncompressed.
    static let bodyLimitBytes = 10_485_760

    struct Row: Sendable {
        let insertID: String?
        /// Its line in PostgreSQL's COPY format within ``InsertAllRequest/lines``.
        let line: Range<Int>
    }

    struct RowError: Sendable {
        let index: Int
        let errors: [JSON]

        init(_ index: Int, _ errors: [JSON]) {
            self.index = index
            self.errors = errors
        }

        init(_ index: Int, reason: String, location: String = "", message: String = "") {
            self.init(index, [Self.error(reason: reason, location: location, message: message)])
        }

        static func error(reason: String, location: String = "", message: String = "") -> JSON {
            [
                "reason": .string(reason), "location": .string(location), "debugInfo": "",
                "message": .string(message),
            ]
        }
    }

    /// The rows to write: none when a row is bad and the flags do not say to skip it.
    private(set) var rows: [Row] = []
    private(set) var lines: [UInt8] = []
    private(set) var errors: [RowError] = []

    /// - Parameters:
    ///   - failing: rows that are to fail with a reason, by injection.
    ///   - now: microseconds since 1970.
    init(
        _ body: JSON, into table: TableDefinition, failing: [Int] = [], reason: String = "", now: Int64
    ) throws(GoogleError) {
        guard let rows = body["rows"]?.elements, !rows.isEmpty else {
            throw .invalid("No rows present in the request.")
        }
        guard rows.count <= Self.rowLimit else {
            throw .invalid("too many rows present in the request, limit: \(Self.rowLimit) row count: \(rows.count).")
        }
        let skipsInvalid = body["skipInvalidRows"]?.flag ?? false
        let ignoresUnknown = body["ignoreUnknownValues"]?.flag ?? false
        let failing = Set(failing)
        var encoder = RowEncoder(table: table, ignoresUnknown: ignoresUnknown, now: now)
        for (index, row) in rows.enumerated() {
            if failing.contains(index) {
                errors.append(RowError(index, reason: reason))
                continue
            }
            let start = encoder.lines.count
            let problems = encoder.append(row["json"])
            if problems.isEmpty {
                self.rows.append(Row(insertID: row["insertId"]?.text, line: start..<encoder.lines.count))
            } else {
                errors.append(RowError(index, problems))
            }
        }
        lines = encoder.lines
        if errors.contains(where: { !failing.contains($0.index) }), !skipsInvalid { stopAll(count: rows.count) }
    }

    /// One bad row means that no row is written; the good ones are told as `stopped`.
    private mutating func stopAll(count: Int) {
        let bad = Set(errors.map(\.index))
        errors += (0..<count).filter { !bad.contains($0) }.map { RowError($0, reason: "stopped") }
        errors.sort { $0.index < $1.index }
        rows = []
    }

    /// A success has no key `insertErrors` at all.
    var response: JSON {
        let kind: JSON = "bigquery#tableDataInsertAllResponse"
        guard !errors.isEmpty else { return ["kind": kind] }
        let list = errors.map { ["index": .number(String($0.index)), "errors": .array($0.errors)] as JSON }
        return ["kind": kind, "insertErrors": .array(list)]
    }
}

/// Turns rows into lines of COPY's text format.
private struct RowEncoder {
    let table: TableDefinition
    let ignoresUnknown: Bool
    let now: Int64
    var lines: [UInt8] = []
    private let names: Set<String>

    init(table: TableDefinition, ignoresUnknown: Bool, now: Int64) {
        self.table = table
        self.ignoresUnknown = ignoresUnknown
        self.now = now
        names = Set(table.columns.map(\.name))
    }

    /// Appends a row, or nothing and returns what is wrong with it.
    mutating func append(_ row: JSON?) -> [JSON] {
        guard case .object(let members) = row else {
            return [InsertAllRequest.RowError.error(reason: "invalid", message: "Missing row: json is not an object")]
        }
        let start = lines.count
        var problems: [JSON] = []
        for name in members.keys.sorted() where !names.contains(name) && !ignoresUnknown {
            problems.append(problem(name, "no such field: \(name)."))
        }
        for (index, column) in table.columns.enumerated() {
            if index > 0 { lines.append(UInt8(ascii: "\t")) }
            if let message = append(members[column.name] ?? .null, column) {
                problems.append(problem(column.name, message))
            }
        }
        lines.append(UInt8(ascii: "\n"))
        if !problems.isEmpty { lines.removeSubrange(start...) }
        return problems
    }

    /// What is wrong with the value; nil when it was appended.
    private mutating func append(_ value: JSON, _ column: TableDefinition.Column) -> String? {
        if value == .null {
            if column.isRequired { return "Missing required field: \(column.name)." }
            lines.append(contentsOf: "\\N".utf8)
            return nil
        }
        switch column.type.postgresText(value) {
        case .failure(let invalid): return invalid.message
        case .success(let text):
            if column.name == table.partitionColumn, let message = outOfBounds(text) { return message }
            escape(text)
            return nil
        }
    }

    private mutating func escape(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): lines.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case UInt8(ascii: "\t"): lines.append(contentsOf: "\\t".utf8)
            case UInt8(ascii: "\n"): lines.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): lines.append(contentsOf: "\\r".utf8)
            default: lines.append(byte)
            }
        }
    }

    /// Streaming reaches only so far into the past and the future of a partitioned table.
    private func outOfBounds(_ text: String) -> String? {
        let day: Int64 = 86_400_000_000
        guard let time = TimestampText.microseconds(text), time < now - 1_825 * day || time > now + 366 * day else {
            return nil
        }
        return "The destination table's partition is outside the allowed bounds. You can only stream to partitions "
            + "within 1825 days in the past and 366 days in the future relative to the current date."
    }

    private func problem(_ location: String, _ message: String) -> JSON {
        InsertAllRequest.RowError.error(reason: "invalid", location: location, message: message)
    }
}
