import Postgres
import TestSupport
import Testing

@Suite("A transaction")
struct TransactionTests {
    private struct Refusal: Error, Equatable {
        let cause: String
    }

    @Test("It is committed when its body returns, and hands on what that returns")
    func commit() async throws {
        let database = try await TestDatabase()
        try await database.connected { connection in
            try connection.execute("CREATE TABLE t (n bigint)")
            let answer = try connection.transaction { () throws(PostgresError) in
                try connection.execute("INSERT INTO t VALUES (1)")
                return 7
            }
            #expect(answer == 7)
        }
        #expect(try await DatabaseProbe(database.configuration).rows("SELECT n FROM t") == [["1"]])
    }

    @Test("It is rolled back when its body throws, and the error is the body's")
    func rollback() async throws {
        try await TestDatabase().connected { connection in
            try connection.execute("CREATE TABLE t (n bigint)")
            let refusal = failure { () throws(Refusal) in
                try connection.transaction(wrap: { Refusal(cause: "\($0)") }) { () throws(Refusal) in
                    try? connection.execute("INSERT INTO t VALUES (1)")
                    throw Refusal(cause: "mine")
                }
            }
            #expect(refusal == Refusal(cause: "mine"))
            let error = failure { () throws(PostgresError) in
                try connection.transaction { () throws(PostgresError) in
                    try connection.execute("INSERT INTO t VALUES (1)")
                    try connection.execute("SELECT 1 / 0")
                }
            }
            #expect(error?.sqlState == "22012")
            #expect(try connection.query("SELECT n FROM t").rowCount == 0)
        }
    }

    @Test("It begins as the caller says")
    func begin() async throws {
        try await TestDatabase().connected { connection in
            let error = failure { () throws(PostgresError) in
                try connection.transaction("BEGIN READ ONLY") { () throws(PostgresError) in
                    try connection.execute("CREATE TABLE t ()")
                }
            }
            #expect(error?.sqlState == "25006")
            let refusal = failure { () throws(Refusal) in
                try connection.transaction("BEGIN OFTEN", wrap: { Refusal(cause: $0.sqlState ?? "") }) {
                    () throws(Refusal) in
                }
            }
            #expect(refusal == Refusal(cause: "42601"))
        }
    }

    @Test("A COMMIT that the server refuses is thrown")
    func refusedCommit() async throws {
        try await TestDatabase().connected { connection in
            try connection.execute("CREATE TABLE t (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            let error = failure { () throws(PostgresError) in
                try connection.transaction { () throws(PostgresError) in
                    try connection.execute("INSERT INTO t VALUES (1), (1)")
                }
            }
            #expect(error?.sqlState == SQLState.uniqueViolation)
            #expect(try connection.query("SELECT n FROM t").rowCount == 0)
        }
    }

    @Test("A failure that the body swallows is not taken for a COMMIT")
    func swallowed() async throws {
        try await TestDatabase().connected { connection in
            try connection.execute("CREATE TABLE t (n bigint)")
            let error = failure { () throws(PostgresError) in
                try connection.transaction { () throws(PostgresError) in
                    try connection.execute("INSERT INTO t VALUES (1)")
                    try? connection.execute("SELECT 1 / 0")
                }
            }
            #expect(error != nil && error?.isRetriable == false)
            #expect(try connection.query("SELECT n FROM t").rowCount == 0)
        }
    }
}
