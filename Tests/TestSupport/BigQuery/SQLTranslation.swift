/// One statement of GoogleSQL in PostgreSQL's words.
///
/// Only what means the same in both is let through; all else is an error, never a guess. What is left to
/// PostgreSQL to refuse (a syntax that it does not have) becomes an `invalidQuery` there.
struct SQLTranslation: Sendable {
    enum Kind: Sendable { case query, insert, update, delete, merge }

    private(set) var statement = ""
    /// Names of the parameters `$1`, `$2` …
    private(set) var parameters: [String] = []
    /// All tables that it names.
    private(set) var tables: [TableName] = []
    /// The table that an UPDATE, DELETE or MERGE changes: it must have no streaming buffer.
    private(set) var changedTable: TableName?
    private(set) var kind = Kind.query

    private let project: String
    private let types: [String: ColumnType]
    private let tokens: [SQLToken]
    private var position = 0
    private var subqueryNames: Set<String> = []
    private let now: Int64

    /// - Parameters:
    ///   - types: of the parameters, by name.
    ///   - now: what `CURRENT_TIMESTAMP()` is, microseconds since 1970.
    init(_ query: String, project: String, types: [String: ColumnType], now: Int64) throws(GoogleError) {
        self.project = project
        self.types = types
        self.now = now
        var tokens = try SQLToken.tokens(of: query)
        if tokens.last == .symbol(";") { tokens.removeLast() }
        self.tokens = tokens
        try checkStatement()
        subqueryNames = Self.subqueryNames(tokens)
        var parts: [String] = []
        while position < tokens.count { parts.append(try translateNext()) }
        statement = parts.joined(separator: " ")
    }

    private func token(_ offset: Int) -> SQLToken? {
        tokens.indices.contains(position + offset) ? tokens[position + offset] : nil
    }

    private static func unknown(_ what: String) -> GoogleError { .invalidQuery("The fake does not know \(what)") }

    private mutating func checkStatement() throws(GoogleError) {
        guard !tokens.contains(.symbol(";")) else { throw Self.unknown("several statements in one query") }
        guard let first = tokens.first, case .word(let word) = first else { throw .invalidQuery("Syntax error") }
        switch word.uppercased() {
        case "SELECT", "WITH": kind = .query
        case "INSERT": kind = .insert
        case "MERGE": kind = .merge
        case "UPDATE", "DELETE":
            kind = word.uppercased() == "UPDATE" ? .update : .delete
            guard tokens.contains(where: { $0.isWord("WHERE") }) else {
                throw .invalidQuery("\(word.uppercased()) must have a WHERE clause")
            }
        default: throw Self.unknown("the statement \(word)")
        }
        changedTable = try target()
    }

    /// The first table that is named is the one that changes; an INSERT alone may meet a buffer.
    private func target() throws(GoogleError) -> TableName? {
        guard kind != .query, kind != .insert else { return nil }
        guard let name = tokens.prefix(3).compactMap(\.nameText).first else {
            throw Self.unknown("a table name without backticks")
        }
        return try table(name)
    }

    /// Names of `WITH name AS (…)`.
    private static func subqueryNames(_ tokens: [SQLToken]) -> Set<String> {
        var names: Set<String> = []
        for index in tokens.indices.dropLast(2) {
            if case .word(let name) = tokens[index], tokens[index + 1].isWord("AS"), tokens[index + 2] == .symbol("(") {
                names.insert(name.lowercased())
            }
        }
        return names
    }

    private func table(_ name: String) throws(GoogleError) -> TableName {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 3 {
            guard parts.removeFirst() == project else { throw .notFound("Project \(name)") }
        }
        guard parts.count == 2, parts.allSatisfy(TableName.isValid) else {
            throw Self.unknown("the table name \(name)")
        }
        return TableName(dataset: parts[0], table: parts[1])
    }

    private mutating func translateNext() throws(GoogleError) -> String {
        guard let token = token(0) else { return "" }
        switch token {
        case .name(let name): return try translate(name: name)
        case .parameter(let name): return try translate(parameter: name)
        case .string(let text):
            position += 1
            // Typed, since PostgreSQL would let an untyped one become whatever the place wants.
            return "'\(text.replacing("'", with: "''"))'::text"
        case .number(let text), .symbol(let text):
            position += 1
            return text
        case .word(let word): return try translate(word: word)
        }
    }

    private mutating func translate(name: String) throws(GoogleError) -> String {
        let followsPoint = token(-1) == .symbol(".")
        position += 1
        guard name.contains(".") else {
            guard TableName.isValid(name) else { throw Self.unknown("the name \(name)") }
            return "\"\(name)\""
        }
        if followsPoint { throw Self.unknown("a name in several backticks") }
        let table = try table(name)
        tables.append(table)
        return table.quoted
    }

    private mutating func translate(parameter name: String) throws(GoogleError) -> String {
        guard let type = types[name] else {
            throw .invalidQuery("Query parameter '\(name)' not found")
        }
        position += 1
        if !parameters.contains(name) { parameters.append(name) }
        let number = (parameters.firstIndex(of: name) ?? 0) + 1
        return "$\(number)::\(type.postgres)"
    }

    private mutating func translate(word: String) throws(GoogleError) -> String {
        let upper = word.uppercased()
        try refuseUnknown(upper)
        if ["FROM", "JOIN", "INTO", "UPDATE", "MERGE", "USING"].contains(upper) { try checkTableFollows(upper) }
        if token(1) == .symbol("("), token(-1) != .symbol("."), !Self.wordsBeforeParentheses.contains(upper) {
            return try translate(function: upper)
        }
        position += 1
        if upper == "TIMESTAMP", case .string(let text)? = token(0) { return try timestampLiteral(text) }
        if upper == "DATE", case .string = token(0) { throw Self.unknown("DATE literals") }
        if upper == "MERGE", token(0)?.isWord("INTO") == false { return "MERGE INTO" }
        return word
    }

    private func refuseUnknown(_ word: String) throws(GoogleError) {
        if ["INTERVAL", "UNNEST", "STRUCT", "ARRAY", "QUALIFY", "TABLESAMPLE", "NUMERIC"].contains(word) {
            throw Self.unknown(word)
        }
    }

    private func checkTableFollows(_ word: String) throws(GoogleError) {
        switch token(1) {
        case .name?, .symbol("(")?: return
        case .word(let next)?:
            if next.uppercased() == "INTO" || subqueryNames.contains(next.lowercased()) { return }
            // `WHEN MATCHED THEN UPDATE SET` names no table.
            if word == "UPDATE", next.uppercased() == "SET" { return }
            throw Self.unknown("a table name without backticks: \(next)")
        default: throw .invalidQuery("Syntax error after \(word)")
        }
    }

    private mutating func timestampLiteral(_ text: String) throws(GoogleError) -> String {
        guard let microseconds = TimestampText.microseconds(text) else {
            throw .invalidQuery("Invalid TIMESTAMP literal")
        }
        position += 1
        return "timestamptz '\(TimestampText.postgres(microseconds))'"
    }

    /// Keywords that a parenthesis can follow.
    private static let wordsBeforeParentheses: Set = [
        "AS", "IN", "ON", "AND", "OR", "NOT", "FROM", "JOIN", "USING", "VALUES", "INSERT", "SELECT", "DISTINCT",
        "WHERE", "WHEN", "THEN", "ELSE", "CASE", "BETWEEN", "EXISTS", "OVER", "BY", "ALL", "HAVING", "UNION", "SET",
    ]

    /// Functions that mean the same in both, or that ``Warehouse`` defines.
    private static let functions: Set = [
        "COUNT", "SUM", "MIN", "MAX", "COALESCE", "NULLIF", "ABS", "ROW_NUMBER", "RANK", "DENSE_RANK", "ANY_VALUE",
        "COUNTIF", "UNIX_MICROS", "UNIX_MILLIS", "TIMESTAMP_MICROS", "TIMESTAMP_MILLIS", "IF", "LENGTH", "LOWER",
        "UPPER", "ERROR",
    ]

    private mutating func translate(function: String) throws(GoogleError) -> String {
        switch function {
        case "CAST": return try cast()
        case "TIMESTAMP_TRUNC": return try truncation()
        case "CURRENT_TIMESTAMP":
            guard token(2) == .symbol(")") else { throw Self.unknown("arguments of CURRENT_TIMESTAMP") }
            position += 3
            return "timestamptz '\(TimestampText.postgres(now))'"
        default:
            guard Self.functions.contains(function) else { throw Self.unknown("the function \(function)") }
            position += 1
            // These two are syntax rather than functions; the others are found by their quoted names.
            return ["COALESCE", "NULLIF"].contains(function) ? function : "\"\(function.lowercased())\""
        }
    }

    /// The translation of what is in the parentheses at hand up to `isEnd`, on their own level.
    private mutating func inner(until isEnd: (SQLToken) -> Bool) throws(GoogleError) -> String {
        var depth = 0
        var parts: [String] = []
        while let token = token(0) {
            if depth == 0, isEnd(token) { return parts.joined(separator: " ") }
            if token == .symbol("(") { depth += 1 }
            if token == .symbol(")") { depth -= 1 }
            guard depth >= 0 else { break }
            // A function takes all of its parentheses or none, so the depth stays right.
            parts.append(try translateNext())
        }
        throw .invalidQuery("Syntax error: unbalanced parentheses")
    }

    /// `CAST(x AS type)`. A number as text loses the zeros that carry no value, as in BigQuery.
    private mutating func cast() throws(GoogleError) -> String {
        position += 2
        let value = try inner { $0.isWord("AS") }
        guard case .word(let name)? = token(1), let type = ColumnType(name: name), token(2) == .symbol(")") else {
            throw Self.unknown("this type in CAST")
        }
        position += 3
        if type == .string { return "to_string(\(value))" }
        return "CAST(\(value) AS \(type.postgres))"
    }

    private mutating func truncation() throws(GoogleError) -> String {
        position += 2
        let value = try inner { $0 == .symbol(",") }
        guard case .word(let unit)? = token(1), token(2) == .symbol(")"),
            ["MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY"].contains(unit.uppercased())
        else { throw Self.unknown("this unit in TIMESTAMP_TRUNC") }
        position += 3
        return "date_trunc('\(unit.lowercased())', \(value), 'UTC')"
    }
}

extension SQLToken {
    fileprivate var nameText: String? {
        if case .name(let name) = self { name } else { nil }
    }
}
