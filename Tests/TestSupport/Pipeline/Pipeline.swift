import Foundation
import Glibc
import Postgres

/// The three real services over the outside world of the sandbox: started on free ports, in a private
/// folder, and ended by ``stop()``.
package final class Pipeline {
    package static let topic = "upbit_ticker"

    package let folder: String
    package let database: DatabaseProbe
    package let bigQuery: FakeBigQuery
    package let kafkaServers: String
    package let partitions: Int
    private let server: TimescaleServer
    private let kafka: ChildProcess
    package private(set) var consumer: ChildProcess?
    package private(set) var producer: ChildProcess?

    package init(partitions: Int) async throws {
        self.partitions = partitions
        folder = FileManager.default.temporaryDirectory.appending(path: "sandbox-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        kafka = try ChildProcess(
            BuiltProduct.path("sandbox"), ["kafka", "--topic", Self.topic, "--partitions", "\(partitions)"])
        kafkaServers = try await kafka.output.first(within: .seconds(20), "the mock cluster") { $0.contains(":") }
        server = try await TimescaleServer()
        database = DatabaseProbe(try await server.createDatabase("coin"))
        var options = FakeBigQuery.Options()
        options.authentication = true
        bigQuery = try await FakeBigQuery(
            database: try await server.createDatabase("bigquery", extension: false), options: options)
        try bigQuery.writeServiceAccount(to: "\(folder)/service-account.json")
    }

    /// Starts the consumer and returns when the group gave it all partitions.
    package func startConsumer(_ extra: [String: String] = [:]) async throws {
        let consumer = try service("consumer", databaseSettings.merging(kafkaSettings) { $1 }.merging(extra) { $1 })
        self.consumer = consumer
        try await consumer.errorLine(containing: "assigned", within: .seconds(30))
    }

    package func startProducer(_ extra: [String: String]) throws {
        producer = try service(
            "producer", kafkaSettings.merging(["PRODUCER_ID": "sandbox"]) { $1 }.merging(extra) { $1 })
    }

    /// Runs the loader to its end and returns what it printed.
    package func runLoader(_ arguments: [String]) async throws -> (
        exit: ChildProcess.Exit, output: [String], errors: [String]
    ) {
        var settings = databaseSettings
        settings["GOOGLE_APPLICATION_CREDENTIALS"] = "\(folder)/service-account.json"
        settings["BIGQUERY_ENDPOINT"] = "http://\(bigQuery.host)"
        let loader = try service("loader", settings, arguments)
        let exit = try await loader.exitStatus(within: .seconds(600))
        try await loader.errors.closed(within: .seconds(10), "the loader's output")
        return (exit, loader.output.elements, loader.errors.elements)
    }

    /// Runs one command of psql in the services' database.
    package func psql(_ command: String) async throws {
        try await server.psql(command, database: database.configuration.database)
    }

    /// Asks the services to stop, in the order of the data, then ends everything else.
    package func stop() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for service in [producer, consumer].compactMap({ $0 }) where service.isRunning {
            service.send(SIGTERM)
            _ = try await service.exitStatus(within: .seconds(6))
        }
        try await bigQuery.stop()
        kafka.kill()
        try await server.stop()
    }

    private var kafkaSettings: [String: String] { ["KAFKA_SERVERS": kafkaServers, "KAFKA_TOPIC": Self.topic] }

    private var databaseSettings: [String: String] {
        let configuration = database.configuration
        return [
            "TIMESCALEDB_HOST": configuration.host, "TIMESCALEDB_PORT": "\(configuration.port)",
            "TIMESCALEDB_DBNAME": configuration.database, "TIMESCALEDB_USER": configuration.user,
        ]
    }

    private func service(_ name: String, _ settings: [String: String], _ arguments: [String] = []) throws
        -> ChildProcess
    {
        // Nothing of the user's own settings reaches a service of the sandbox.
        let environment = settings.merging(["PATH": "/usr/bin:/bin", "HOME": folder]) { $1 }
        return try ChildProcess(BuiltProduct.path(name), arguments, environment: environment, folder: folder)
    }
}
