import Postgres
import TestSupport
import Testing

@Suite("A connection that the server cuts")
struct LostConnectionTests {
    /// Cuts the connection while `body` uses it, and says what it threw.
    private func cut(
        _ body: @escaping @Sendable (borrowing PostgresConnection) throws(PostgresError) -> Void
    ) async throws -> PostgresError {
        let database = try await TestDatabase()
        let error = try await database.connected { connection in
            try connection.execute("CREATE TABLE t (n bigint, text text)")
            #expect(connection.isOpen == true)
            let error = failure { () throws(PostgresError) in try body(connection) }
            #expect(connection.isOpen == false)
            // It never comes back by itself, and says so each time.
            #expect(failure { () throws(PostgresError) in try connection.execute("SELECT 1") }?.isRetriable == true)
            #expect(connection.isOpen == false)
            return error
        }
        #expect(try await DatabaseProbe(database.configuration).rows("SELECT n FROM t") == [])
        return try #require(error)
    }

    @Test("In a statement: the error is worth another try and the connection is not open")
    func statement() async throws {
        let error = try await cut { connection throws(PostgresError) in
            try connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        }
        #expect(error.isRetriable)
    }

    @Test("In a transaction: nothing of it stays")
    func transaction() async throws {
        let error = try await cut { connection throws(PostgresError) in
            try connection.transaction { () throws(PostgresError) in
                try connection.execute("INSERT INTO t VALUES (1)")
                try connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            }
        }
        #expect(error.isRetriable)
    }

    @Test("Between two statements: the next one tells")
    func idle() async throws {
        let error = try await cut { connection throws(PostgresError) in
            try terminate(connection)
            try connection.execute("INSERT INTO t VALUES (1)")
        }
        #expect(error.isRetriable)
    }

    @Test("While rows go in")
    func copyIn() async throws {
        let error = try await cut { connection throws(PostgresError) in
            try terminate(connection)
            _ = try copy(String(repeating: "1\tx\n", count: 500_000), into: connection)
        }
        #expect(error.isRetriable)
    }

    @Test("While rows come out")
    func copyOut() async throws {
        let error = try await cut { connection throws(PostgresError) in
            // The last of many rows that do not fit in the buffers in between cuts it.
            try connection.startCopyOut(
                """
                COPY (SELECT repeat('x', 100), CASE n WHEN 100000 THEN pg_terminate_backend(pg_backend_pid()) END
                      FROM generate_series(1, 100001) n) TO STDOUT
                """)
            while try connection.nextCopyRow({ _ in }) {}
        }
        #expect(error.isRetriable)
    }
}

/// Cuts `connection` from another one, and returns when its server process is gone.
private func terminate(_ connection: borrowing PostgresConnection) throws(PostgresError) {
    let pid = try connection.query("SELECT pg_backend_pid(), current_database(), inet_server_port()")
    let other = try PostgresConnection(
        PostgresConfiguration(
            host: "127.0.0.1", port: Int(pid.integer(0, 2) ?? 0), database: pid.text(0, 1) ?? "", user: "postgres",
            sslMode: "disable", applicationName: "killer"))
    // With a time limit it waits for the end of the process.
    let gone = try other.query("SELECT pg_terminate_backend($1::int, 10000)", [pid.text(0, 0)])
    #expect(gone.text(0, 0) == "t")
}
