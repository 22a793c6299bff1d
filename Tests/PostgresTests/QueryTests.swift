import Postgres
import Runtime
import Synchronization
import TestSupport
import Testing

@Suite("A statement")
struct QueryTests {
    @Test("Parameters go to the server apart from the statement; nil is NULL and empty is empty")
    func parameters() async throws {
        try await TestDatabase().connected { connection in
            let values: [String?] = [#"'; DROP TABLE "x" --"#, nil, "", "비트코인", "line\nfeed\\"]
            let result = try connection.query(
                "SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $2 IS NULL", values)
            #expect((0..<5).map { result.text(0, $0) } == values)
            #expect(result.text(0, 5) == "t")
            #expect(result.rowCount == 1 && result.columnCount == 6)
        }
    }

    @Test("Who watches the connection hears of every answer, the one to the connect among them")
    func onAnswer() async throws {
        let answers = Mutex(0)
        var configuration = try await TestDatabase().configuration
        configuration.onAnswer = { answers.withLock { $0 += 1 } }
        try await DedicatedThread(name: "database").run { [configuration] in
            let connection = try PostgresConnection(configuration)
            #expect(answers.withLock { $0 } == 1)
            try connection.execute("SELECT 1")
            _ = try? connection.query("SELECT 1/0")
            #expect(answers.withLock { $0 } == 3)
        }
    }

    @Test("A result tells names, types and integers, and nil outside of itself")
    func results() async throws {
        try await TestDatabase().connected { connection in
            let result = try connection.query("SELECT 1.50::numeric AS price, 9223372036854775807 AS big, NULL AS none")
            #expect(result.columnName(0) == "price" && result.columnType(0) == 1700)
            #expect(result.text(0, 0) == "1.50" && result.integer(0, 1) == .max && result.integer(0, 0) == nil)
            #expect(result.text(0, 2) == nil && result.text(1, 0) == nil && result.text(0, 3) == nil)
            #expect(result.text(-1, 0) == nil && result.text(0, -1) == nil && result.columnName(3) == "")
        }
    }

    @Test("A prepared statement is parsed once, takes other parameters each time, and outlives its transaction's end")
    func prepared() async throws {
        try await TestDatabase().connected { connection in
            try connection.execute("CREATE TABLE t (n bigint UNIQUE)")
            let insert = "INSERT INTO t VALUES ($1)"
            let refusal = failure { () throws(PostgresError) in
                try connection.transaction { () throws(PostgresError) in
                    _ = try connection.queryPrepared(insert, ["1"]).affectedRows
                    _ = try connection.queryPrepared(insert, ["1"]).affectedRows
                }
            }
            #expect(refusal?.sqlState == SQLState.uniqueViolation)
            for number in ["1", "2", nil] {
                #expect(try connection.queryPrepared(insert, [number]).affectedRows == 1)
            }
            let count = try connection.queryPrepared("SELECT count(n) FROM t", [])
            #expect(count.text(0, 0) == "2")
            let statements = try connection.query("SELECT statement FROM pg_prepared_statements ORDER BY 1")
            #expect(
                (0..<statements.rowCount).map { statements.text($0, 0) }
                    == [insert, "SELECT count(n) FROM t"])
        }
    }

    @Test("A statement that cannot be prepared is an error of the server's, each time")
    func unprepared() async throws {
        try await TestDatabase().connected { connection in
            for _ in 1...2 {
                let error = failure { () throws(PostgresError) in
                    _ = try connection.queryPrepared("SELEC 1", []).rowCount
                }
                #expect(error?.sqlState == "42601")
            }
            let one = try connection.queryPrepared("SELECT 1", [])
            #expect(one.text(0, 0) == "1")
        }
    }

    @Test("The number of changed rows is told")
    func affectedRows() async throws {
        try await TestDatabase().connected { connection in
            try connection.execute("CREATE TABLE t (n bigint); INSERT INTO t VALUES (1), (2), (3)")
            #expect(try connection.query("UPDATE t SET n = n + 1 WHERE n > $1", ["1"]).affectedRows == 2)
            #expect(try connection.query("SELECT n FROM t").affectedRows == 3)
            #expect(try connection.query("CREATE TABLE u ()").affectedRows == 0)
        }
    }

    @Test("An error has the server's code, message and detail, and the connection goes on")
    func errors() async throws {
        try await TestDatabase().connected { connection in
            try connection.execute("CREATE TABLE t (n bigint PRIMARY KEY); INSERT INTO t VALUES (1)")
            let error = try #require(
                failure { () throws(PostgresError) in try connection.execute("INSERT INTO t VALUES (1)") })
            #expect(error.sqlState == SQLState.uniqueViolation && !error.isRetriable)
            #expect(
                error.description == """
                    duplicate key value violates unique constraint "t_pkey" (Key (n)=(1) already exists.) \
                    [SQLSTATE 23505]
                    """)
            #expect(connection.isOpen == true)
            #expect(try connection.query("SELECT n FROM t").rowCount == 1)
        }
    }

    @Test(
        "What time can mend is worth another try, what a person must mend is not",
        arguments: [
            ("08006", true), ("40001", true), ("40P01", true), ("53300", true), ("53100", true), ("55P03", true),
            ("57P01", true), ("57P02", true), ("57P03", true), ("58030", true), ("25006", true), ("25P03", true),
            ("25P04", true),
            ("57014", false), ("23505", false), ("42P01", false), ("22P02", false), ("0A000", false),
            ("28P01", false), ("25P02", false), ("XX000", false), ("55006", false),
        ])
    func retriable(_ code: String, _ isRetriable: Bool) async throws {
        #expect(PostgresError(sqlState: code, message: "").isRetriable == isRetriable)
    }

    @Test("A server's code reaches the decision")
    func raised() async throws {
        try await TestDatabase().connected { connection in
            for (code, isRetriable) in [("40001", true), ("53100", true), ("22012", false)] {
                let error = try #require(
                    failure { () throws(PostgresError) in
                        try connection.execute("DO $$BEGIN RAISE SQLSTATE '\(code)'; END$$")
                    })
                #expect(error.sqlState == code && error.isRetriable == isRetriable)
            }
        }
    }
}
