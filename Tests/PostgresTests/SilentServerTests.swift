import Glibc
import Postgres
import Runtime
import TestSupport
import Testing

@Suite("A server that goes silent", .timeLimit(.minutes(5)))
struct SilentServerTests {
    /// Longer than a server that is well takes to answer, also on a machine that has other work.
    private static let limit = Duration.seconds(4)

    /// Freezes the server's process of a connection while `body` uses it, and says what it threw.
    ///
    /// The kernel goes on to acknowledge what the process is sent, as a proxy whose server is gone does.
    private func frozen(
        _ body: @escaping @Sendable (borrowing PostgresConnection) throws(PostgresError) -> Void
    ) async throws -> PostgresError {
        var configuration = try await TestDatabase().configuration
        configuration.answerTimeout = Self.limit
        let error = try await DedicatedThread(name: "frozen").run { [configuration] in
            let connection = try PostgresConnection(configuration)
            try connection.execute("CREATE TABLE t (text text)")
            let process = Int32(try connection.query("SELECT pg_backend_pid()").integer(0, 0) ?? 0)
            try #require(process > 1 && kill(process, SIGSTOP) == 0)
            defer { _ = kill(process, SIGCONT) }
            let error = failure { () throws(PostgresError) in try body(connection) }
            #expect(connection.isOpen == false)
            return error
        }
        return try #require(error)
    }

    @Test("In a statement: the connection counts as lost after its limit")
    func statement() async throws {
        let error = try await frozen { connection throws(PostgresError) in try connection.execute("SELECT 1") }
        #expect(error.isRetriable && error.message == "the server went silent")
    }

    @Test("With parameters, too")
    func query() async throws {
        let error = try await frozen { connection throws(PostgresError) in
            _ = try connection.query("SELECT $1", ["1"]).rowCount
        }
        #expect(error.isRetriable && error.message == "the server went silent")
    }

    /// Loses the network of a connection in the middle of a copy of 50 MB, and says what the copy threw.
    private func stalled(
        when hasBegun: @escaping @Sendable (FaultProxy.Observations) -> Bool,
        _ body: @escaping @Sendable (borrowing PostgresConnection) throws(PostgresError) -> Void
    ) async throws -> PostgresError? {
        let database = try await TestDatabase()
        let proxy = try await FaultProxy.start(to: database.configuration.port)
        var configuration = database.configuration
        configuration.port = proxy.port
        configuration.answerTimeout = Self.limit
        async let failed = DedicatedThread(name: "stalled").run { [configuration] in
            let connection = try PostgresConnection(configuration)
            try connection.execute("CREATE TABLE t (text text)")
            return failure { () throws(PostgresError) in try body(connection) }
        }
        // So slow that the copy lasts for most of a minute.
        try await proxy.set(FaultProxy.Speed(bytesPerSecond: 1_000_000))
        try await proxy.observed.wait(within: .seconds(60), for: hasBegun)
        try await proxy.stall()
        let error = try await failed
        await proxy.stop()
        return error
    }

    @Test("While rows go in")
    func copyIn() async throws {
        let error = try await stalled {
            $0.bytesToTarget > 200_000
        } _: { connection throws(PostgresError) in
            _ = try copy(String(repeating: "x\n", count: 25_000_000), into: connection)
        }
        #expect(error?.isRetriable == true && error?.message == "the server went silent")
    }

    @Test("While rows come out")
    func copyOut() async throws {
        let error = try await stalled {
            $0.bytesToClient > 200_000
        } _: { connection throws(PostgresError) in
            try connection.startCopyOut("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 50000)) TO STDOUT")
            while try connection.nextCopyRow({ _ in }) {}
        }
        #expect(error?.isRetriable == true && error?.message == "the server went silent")
    }

    @Test("Time between two calls does not count, and neither do answers that come in time")
    func slow() async throws {
        var configuration = try await TestDatabase().configuration
        configuration.answerTimeout = Self.limit
        try await DedicatedThread(name: "slow").run { [configuration] in
            let connection = try PostgresConnection(configuration)
            for _ in 0..<10 { try connection.execute("SELECT pg_sleep(0.5)") }
            var patient = configuration
            patient.answerTimeout = nil
            try PostgresConnection(patient).execute("SELECT pg_sleep(4.5)")
            #expect(try connection.query("SELECT 1").integer(0, 0) == 1)
        }
    }
}
