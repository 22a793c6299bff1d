import CPostgres

/// One connection to a server. It owns its `PGconn`: `init` opens it, `deinit` closes it.
///
/// Every call blocks, so a connection lives on a thread of its own. It may move between threads, but
/// only one may use it at a time (libpq manual, "Behavior in Threaded Programs").
package struct PostgresConnection: ~Copyable {
    private let connection: OpaquePointer
    private let watch: AnswerWatch?
    private let onAnswer: (@Sendable () -> Void)?
    private let prepared: PreparedStatements

    /// Connects; returns when the server accepted or refused.
    ///
    /// The corresponding C function is `PQconnectdbParams`.
    package init(_ configuration: PostgresConfiguration) throws(PostgresError) {
        let parameters = configuration.parameters
        let opened = withCStrings(parameters.map(\.keyword)) { keywords in
            withCStrings(parameters.map(\.value)) { values in
                PQconnectdbParams(keywords, values, 0)
            }
        }
        guard let opened else { throw PostgresError(sqlState: nil, message: "out of memory") }
        guard PQstatus(opened) == CONNECTION_OK else {
            let message = trimmed(PQerrorMessage(opened))
            PQfinish(opened)
            throw PostgresError(sqlState: nil, message: message)
        }
        let watch = configuration.answerTimeout.flatMap { AnswerWatch(socket: PQsocket(opened), limit: $0) }
        guard watch != nil || configuration.answerTimeout == nil else {
            PQfinish(opened)
            throw PostgresError(sqlState: nil, message: "no descriptor is left to watch the connection with")
        }
        connection = opened
        onAnswer = configuration.onAnswer
        onAnswer?()
        self.watch = watch
        prepared = PreparedStatements()
    }

    deinit {
        watch?.stop()
        PQfinish(connection)
    }

    /// False once the connection broke; it never becomes true again.
    package var isOpen: Bool { PQstatus(connection) == CONNECTION_OK }

    /// Runs one or more statements without parameters and drops their rows.
    ///
    /// The corresponding C function is `PQexec`.
    package func execute(_ statements: String) throws(PostgresError) {
        let result = PostgresResult(answer { PQexec(connection, statements) })
        try check(result, PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY)
    }

    /// Runs one statement whose parameters `$1`, `$2` … are given as text (nil is NULL).
    ///
    /// The corresponding C function is `PQexecParams`.
    package func query(
        _ statement: String, _ parameters: [String?] = []
    ) throws(PostgresError) -> PostgresResult {
        let result = PostgresResult(
            withCStrings(parameters) { values in
                answer { PQexecParams(connection, statement, CInt(parameters.count), nil, values, nil, nil, 0) }
            })
        try check(result, PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY)
        return result
    }

    /// As ``query(_:_:)``, for a statement that is run again and again: the server parses and plans it once.
    ///
    /// The corresponding C functions are `PQprepare` and `PQexecPrepared`.
    package func queryPrepared(
        _ statement: String, _ parameters: [String?]
    ) throws(PostgresError) -> PostgresResult {
        let name = try prepared.name(of: statement) { name throws(PostgresError) in
            try check(PostgresResult(answer { PQprepare(connection, name, statement, 0, nil) }), PGRES_COMMAND_OK)
        }
        let result = PostgresResult(
            withCStrings(parameters) { values in
                answer { PQexecPrepared(connection, name, CInt(parameters.count), values, nil, nil, 0) }
            })
        try check(result, PGRES_COMMAND_OK, PGRES_TUPLES_OK)
        return result
    }

    /// True when no table, view or index of that name is found on the search path.
    ///
    /// It reads the catalogue's table. `to_regclass` answers from the session's cache, which may not have
    /// heard yet of a table that another session created while this one waited for an advisory lock.
    package func lacksRelation(_ name: String) throws(PostgresError) -> Bool {
        try query("SELECT 1 FROM pg_class WHERE relname = $1 AND pg_table_is_visible(oid)", [name]).rowCount == 0
    }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    ///
    /// When COMMIT itself fails the outcome is unknown; the caller must look in the database.
    package func transaction<Result: ~Copyable, Failure: Error>(
        _ begin: String = "BEGIN", wrap: (PostgresError) -> Failure,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        do { try execute(begin) } catch { throw wrap(error) }
        return try openTransaction(wrap: wrap, body)
    }

    /// Runs `body` in the transaction that is open: committed when it returns, rolled back when it throws.
    /// Otherwise as ``transaction(_:wrap:_:)``.
    package func openTransaction<Result: ~Copyable, Failure: Error>(
        wrap: (PostgresError) -> Failure, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let result: Result
        do {
            result = try body()
        } catch {
            // The first error is the one to tell; a failing ROLLBACK means that the connection is gone.
            try? execute("ROLLBACK")
            throw error
        }
        do { try commit() } catch { throw wrap(error) }
        return result
    }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    package func transaction<Result: ~Copyable>(
        _ begin: String = "BEGIN", _ body: () throws(PostgresError) -> Result
    ) throws(PostgresError) -> Result {
        try transaction(begin, wrap: { $0 }, body)
    }

    /// The server answers COMMIT without an error, and rolls back, when a statement failed before and
    /// nobody said so.
    private func commit() throws(PostgresError) {
        guard PQtransactionStatus(connection) == PQTRANS_INERROR else { return try execute("COMMIT") }
        try? execute("ROLLBACK")
        throw PostgresError(sqlState: SQLState.inFailedTransaction, message: "a failed statement was passed over")
    }

    /// Sends `data`, in COPY's text format, to a `COPY … FROM STDIN` and returns the number of rows.
    @discardableResult
    package func copyIn(_ statement: String, _ data: UnsafeRawBufferPointer) throws(PostgresError) -> Int {
        try startCopyIn(statement)
        try sendCopyData(data)
        return try endCopyIn()
    }

    /// Starts a `COPY … FROM STDIN`; its rows are then given by ``sendCopyData(_:)`` until ``endCopyIn()``.
    /// A statement that is executed before the end breaks the COPY off, and its transaction fails.
    package func startCopyIn(_ statement: String) throws(PostgresError) {
        try check(PostgresResult(answer { PQexec(connection, statement) }), PGRES_COPY_IN)
    }

    /// Sends rows, or parts of rows, in COPY's text format. Returns when the server or the network's buffers
    /// have them: what is wrong with them is told by ``endCopyIn()``.
    ///
    /// The corresponding C function is `PQputCopyData`.
    package func sendCopyData(_ data: UnsafeRawBufferPointer) throws(PostgresError) {
        // In slices, since libpq copies what it is given into its own buffer.
        let sliceBytes = 1 << 16
        var start = 0
        while start < data.count {
            let slice = UnsafeRawBufferPointer(rebasing: data[start..<min(start + sliceBytes, data.count)])
            let bytes = slice.baseAddress?.assumingMemoryBound(to: CChar.self)
            guard answer({ PQputCopyData(connection, bytes, CInt(slice.count)) }) == 1 else { throw connectionError() }
            start += slice.count
        }
    }

    /// Waits until the server has taken all rows and returns their number.
    ///
    /// The corresponding C function is `PQputCopyEnd`.
    package func endCopyIn() throws(PostgresError) -> Int {
        guard answer({ PQputCopyEnd(connection, nil) }) == 1 else { throw connectionError() }
        return try endOfCopy().affectedRows
    }

    /// Starts a `COPY … TO STDOUT`; its rows are then taken by ``nextCopyRow(_:)`` until it returns false.
    package func startCopyOut(_ statement: String) throws(PostgresError) {
        try check(PostgresResult(answer { PQexec(connection, statement) }), PGRES_COPY_OUT)
    }

    /// Hands the next row, in COPY's text format with its line feed, to `body`; false after the last.
    ///
    /// The bytes belong to libpq and are valid only within `body`. One row is in memory at a time.
    ///
    /// The corresponding C function is `PQgetCopyData`.
    package func nextCopyRow(_ body: (UnsafeRawBufferPointer) -> Void) throws(PostgresError) -> Bool {
        var row: UnsafeMutablePointer<CChar>?
        let count = answer { PQgetCopyData(connection, &row, 0) }
        if count > 0, let row {
            defer { PQfreemem(row) }
            body(UnsafeRawBufferPointer(start: row, count: Int(count)))
            return true
        }
        guard count == -1 else { throw connectionError() }
        _ = try endOfCopy()
        return false
    }

    /// How a COPY ended. Takes what is behind that too, also after an error: then the connection can be
    /// used again, or is known to be lost.
    private func endOfCopy() throws(PostgresError) -> PostgresResult {
        let result = PostgresResult(answer { PQgetResult(connection) })
        while let rest = answer({ PQgetResult(connection) }) { PQclear(rest) }
        try check(result, PGRES_COMMAND_OK)
        return result
    }

    private func check(
        _ result: borrowing PostgresResult, _ expected: ExecStatusType...
    ) throws(PostgresError) {
        if expected.contains(result.status) { return }
        // libpq's own words for a connection that the watch ended would blame the server's machine.
        throw isSilent ? connectionError() : result.error ?? connectionError()
    }

    /// Carries out a call of libpq's that waits for the server, under the watch if there is one.
    private func answer<Result>(_ call: () -> Result) -> Result {
        defer { onAnswer?() }
        guard let watch else { return call() }
        return watch.during(call)
    }

    private var isSilent: Bool { watch?.hasEnded ?? false }

    private func connectionError() -> PostgresError {
        PostgresError(
            sqlState: nil, message: isSilent ? "the server went silent" : trimmed(PQerrorMessage(connection)))
    }
}

/// The statements that the server has parsed for a connection. They outlive a transaction that is rolled back.
private final class PreparedStatements {
    private var names: [String: String] = [:]

    /// The name of `statement` on the server; `prepare` gives it one the first time.
    func name(
        of statement: String, _ prepare: (String) throws(PostgresError) -> Void
    ) throws(PostgresError) -> String {
        if let name = names[statement] { return name }
        let name = "statement_\(names.count + 1)"
        try prepare(name)
        names[statement] = name
        return name
    }
}

/// libpq ends its messages with a line feed and may put several lines in one.
func trimmed(_ message: UnsafePointer<CChar>?) -> String {
    guard let message else { return "" }
    return String(cString: message).split(separator: "\n").joined(separator: "; ")
}

/// Calls `body` with a null-terminated C array of `strings`, which lives as long as the call.
private func withCStrings(
    _ strings: [String?], _ body: ([UnsafePointer<CChar>?]) -> OpaquePointer?
) -> OpaquePointer? {
    var bytes: [CChar] = []
    let starts: [Int?] = strings.map { string in
        guard let string else { return nil }
        defer { bytes.append(contentsOf: string.utf8CString) }
        return bytes.count
    }
    return bytes.withUnsafeBufferPointer { buffer in
        var pointers: [UnsafePointer<CChar>?] = starts.map { start in
            guard let start, let base = buffer.baseAddress else { return nil }
            return base + start
        }
        pointers.append(nil)
        return body(pointers)
    }
}
