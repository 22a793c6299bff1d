import CPostgres

/// What a statement answered, as text. It owns its `PGresult`.
package struct PostgresResult: ~Copyable {
    private let result: OpaquePointer?

    /// Takes ownership of `result`; nil means that the connection failed.
    init(_ result: OpaquePointer?) { self.result = result }

    deinit { PQclear(result) }

    package var rowCount: Int { Int(PQntuples(result)) }
    package var columnCount: Int { Int(PQnfields(result)) }

    /// Rows inserted, updated, deleted or copied.
    package var affectedRows: Int {
        guard let text = PQcmdTuples(result) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    package func columnName(_ column: Int) -> String {
        PQfname(result, CInt(column)).map { String(cString: $0) } ?? ""
    }

    /// The type of a column as the server's object id (1700 is `numeric`).
    package func columnType(_ column: Int) -> UInt32 { PQftype(result, CInt(column)) }

    /// A value as the server spells it; nil for NULL and outside the result.
    package func text(_ row: Int, _ column: Int) -> String? {
        guard row >= 0, row < rowCount, column >= 0, column < columnCount,
            PQgetisnull(result, CInt(row), CInt(column)) == 0,
            let value = PQgetvalue(result, CInt(row), CInt(column))
        else { return nil }
        return String(cString: value)
    }

    package func integer(_ row: Int, _ column: Int) -> Int64? { text(row, column).flatMap { Int64($0) } }

    var status: ExecStatusType { PQresultStatus(result) }

    /// The server's error, when this is one.
    var error: PostgresError? {
        guard result != nil else { return nil }
        let result = result
        let field = { (code: CInt) in PQresultErrorField(result, code).map { String(cString: $0) } }
        return PostgresError(
            sqlState: field(cpostgres_diag_sqlstate),
            message: field(cpostgres_diag_message_primary) ?? trimmed(PQresultErrorMessage(result)),
            detail: field(cpostgres_diag_message_detail))
    }
}
