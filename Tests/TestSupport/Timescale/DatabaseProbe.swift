package import Postgres
import Runtime

/// A second pair of eyes on a database: asks it directly, on a connection and a thread of its own.
package final class DatabaseProbe: Sendable {
    package let configuration: PostgresConfiguration
    private let thread = DedicatedThread(name: "probe")

    package init(_ configuration: PostgresConfiguration) { self.configuration = configuration }

    /// What a service is told to reach it.
    package var settings: [String: String] {
        [
            "TIMESCALEDB_HOST": configuration.host, "TIMESCALEDB_PORT": "\(configuration.port)",
            "TIMESCALEDB_DBNAME": configuration.database, "TIMESCALEDB_USER": configuration.user,
        ]
    }

    /// The rows of a query as text; nil is NULL.
    package func rows(_ statement: String, _ parameters: [String?] = []) async throws -> [[String?]] {
        try await thread.run { [configuration] in
            let result = try PostgresConnection(configuration).query(statement, parameters)
            return (0..<result.rowCount).map { row in (0..<result.columnCount).map { result.text(row, $0) } }
        }
    }

    package func execute(_ statements: String) async throws {
        try await thread.run { [configuration] in try PostgresConnection(configuration).execute(statements) }
    }

    /// Returns once `statement` answers `value` in its first column.
    ///
    /// The one place that asks again and again: what another process commits here is no event that a
    /// test could wait for. A server that is away or a table that is missing counts as "not yet".
    package func wait(for statement: String, toBe value: String, within limit: Duration = .seconds(60)) async throws {
        let deadline = ContinuousClock.now + limit
        var last: String?
        while ContinuousClock.now < deadline {
            last = (try? await rows(statement))?.first?.first ?? nil
            if last == value { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw SetupError("'\(statement)' is \(last ?? "unknown") and not \(value) after \(limit)")
    }
}
