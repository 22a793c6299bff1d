import Foundation
import Market
package import Postgres

/// A strict stand-in for BigQuery's REST API, with Google's token endpoint and metadata server.
///
/// It refuses what the real one refuses, in its words, fails on demand, and keeps its tables in a
/// PostgreSQL database in which it really runs the statements (schema = dataset).
package final class FakeBigQuery: Sendable {
    package struct Options: Sendable {
        /// Requests must carry a token that this fake issued.
        package var authentication = false
        package var location = "US"
        /// How long an insertId is remembered; zero never drops a row.
        package var insertIDWindow = Duration.seconds(60)
        /// How long insertAll does not find a new table.
        package var newTableDelay = Duration.zero
        /// How many queries of a table do not see the rows of its last insertAll yet.
        package var queriesUntilRowsAreSeen = 0
        /// How long streamed rows cannot be changed.
        package var streamingBufferAge = Duration.seconds(30 * 60)
        /// How often a client of jobs.insert hears that its job is not done.
        package var pollsUntilDone = 1
        /// How often a client of jobs.query hears that it is not complete.
        package var pollsUntilQueryComplete = 0
        package var tokenLifetime = Duration.seconds(3_599)
        /// Zero takes a free one.
        package var port = 0

        package init() {}
    }

    /// One request and how it was answered.
    package struct Exchange: Sendable {
        package let endpoint: Endpoint
        package let status: Int
        /// Of an insertAll: rows in the request.
        package let rows: Int
        package let query: [String: String]
        package let headers: [String: String]
    }

    package let projectID: String
    package let clock: FakeClock
    /// Where it listens, as `127.0.0.1:port`.
    package let host: String
    private let service: BigQueryService
    private let server: HTTPServer

    /// Starts a fake that keeps its tables in `database`.
    package init(
        database: PostgresConfiguration, projectID: String = "test-project", options: Options = Options()
    ) async throws {
        self.projectID = projectID
        clock = FakeClock()
        let service = try BigQueryService(database: database, project: projectID, clock: clock, options: options)
        server = try await HTTPServer(
            port: options.port, bodyLimitBytes: 2 * InsertAllRequest.bodyLimitBytes, tooLarge: .frontEndTooLarge
        ) { await service.answer($0) }
        self.service = service
        host = "127.0.0.1:\(server.port)"
    }

    package func stop() async throws { try await server.stop() }

    /// What was asked so far; a test can wait for what is asked next.
    package var exchanges: EventLog<Exchange> { service.exchanges }

    /// The next `times` requests of `endpoint` meet `fault`.
    package func inject(_ fault: Fault, on endpoint: Endpoint, times: Int = 1) {
        service.faults.add(fault, on: endpoint, times: times)
    }

    /// Forgets the faults that met no request, and says how many they were.
    @discardableResult
    package func clearFaults() -> Int { service.faults.clear() }

    /// Calls `watcher` when a request has arrived and when it was carried out; the request goes on when it
    /// returns. Requests are counted anew from here; nil ends it.
    package func watch(_ watcher: (@Sendable (RequestMoment) async -> Void)?) { service.watch.begin(watcher) }

    /// No token that was issued so far is good any more.
    package func revokeTokens() { service.tokens.revokeAll() }
}

extension FakeBigQuery {
    /// Writes a service account's key file whose token endpoint is this fake.
    package func writeServiceAccount(to path: String) throws {
        try write(service.tokens.serviceAccount(project: projectID, tokenURI: "http://\(host)/token"), to: path)
    }

    /// Writes gcloud's file of an authorized user whose token endpoint is this fake.
    package func writeAuthorizedUser(to path: String) throws {
        try write(service.tokens.authorizedUser(project: projectID, tokenURI: "http://\(host)/token"), to: path)
    }

    private func write(_ json: JSON, to path: String) throws {
        try Data(json.description.utf8).write(to: URL(filePath: path))
    }
}

extension FakeBigQuery {
    /// All rows of a table, as text by column, in no order; timestamps are microseconds since 1970.
    package func rows(_ dataset: String, _ table: String) async throws -> [[String: String]] {
        let result = try await service.warehouse.query(
            "SELECT * FROM \(TableName(dataset: dataset, table: table).quoted)")
        return result.rows.map { row in
            var values: [String: String] = [:]
            for (column, value) in zip(result.columns, row) { values[column.name] = value }
            return values
        }
    }

    /// Does to a table what somebody else's `bq rm` does.
    package func drop(_ dataset: String, _ table: String) async throws {
        try await service.warehouse.dropTable(TableName(dataset: dataset, table: table), project: projectID)
    }

    package func count(_ dataset: String, _ table: String) async throws -> Int {
        let name = TableName(dataset: dataset, table: table).quoted
        let result = try await service.warehouse.query("SELECT count(*) FROM \(name)")
        return result.rows.first?.first.flatMap { $0 }.flatMap { Int($0) } ?? 0
    }

    /// The exact sum of a column as plain decimal text; nil when the table has no rows.
    package func sum(_ dataset: String, _ table: String, _ column: String) async throws -> String? {
        let name = TableName(dataset: dataset, table: table).quoted
        return try await service.warehouse.query("SELECT sum(\"\(column)\") FROM \(name)").rows.first?.first ?? nil
    }
}
