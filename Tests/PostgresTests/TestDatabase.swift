import Foundation
import Postgres
import Runtime
import TestSupport

/// An empty database of the shared server, and the thread on which a test may block in libpq.
struct TestDatabase {
    let configuration: PostgresConfiguration
    private let thread = DedicatedThread(name: "database")

    init() async throws {
        let name = "postgres_tests_\(UUID())"
        configuration = try await TimescaleServer.shared.createDatabase(name, extension: false)
    }

    /// Runs `body` with a new connection, on the thread.
    func connected<Result: Sendable>(
        _ body: @escaping @Sendable (borrowing PostgresConnection) throws -> Result
    ) async throws -> Result {
        try await thread.run { [configuration] in try body(PostgresConnection(configuration)) }
    }
}

/// What `body` throws; nil when it does not. (`#expect(throws:)` cannot take a connection that is borrowed.)
func failure<Failure: Error>(_ body: () throws(Failure) -> Void) -> Failure? {
    do throws(Failure) { try body() } catch { return error }
    return nil
}

/// Sends rows in COPY's text format to table `t` and returns how many the server took.
func copy(_ text: String, into connection: borrowing PostgresConnection) throws(PostgresError) -> Int {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
    defer { bytes.deallocate() }
    bytes.copyBytes(from: text.utf8)
    return try connection.copyIn("COPY t FROM STDIN", UnsafeRawBufferPointer(bytes))
}

/// What opening a connection throws; nil when it opens.
func connectFailure(_ configuration: PostgresConfiguration) async throws -> PostgresError? {
    try await DedicatedThread(name: "connect").run {
        failure { () throws(PostgresError) in _ = try PostgresConnection(configuration).isOpen }
    }
}
