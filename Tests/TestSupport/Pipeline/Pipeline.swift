import Foundation
import Glibc
import Postgres

/// The three real services over the outside world of the sandbox: started on free ports, in a private
/// folder, and ended by ``stop()``.
package final class Pipeline {
    package let folder: String
    package let database: DatabaseProbe
    package let broker: Broker
    package let warehouse: any PipelineWarehouse
    private let server: TimescaleServer
    package private(set) var consumer: ChildProcess?
    package private(set) var producer: ChildProcess?

    /// - Parameters:
    ///   - partitions: of a topic that has to be created.
    ///   - environment: may name a Kafka broker (`KAFKA_SERVERS`) and an emulator of BigQuery
    ///     (`BIGQUERY_EMULATOR_HOST`) that run already; what it does not name is started here.
    package init(partitions: Int, environment: [String: String] = [:]) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "sandbox-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        broker = try await Broker.start(partitions: partitions, environment: environment)
        server = try await TimescaleServer()
        database = DatabaseProbe(try await server.createDatabase("coin"))
        if let emulator = OtherEmulator(environment: environment) {
            warehouse = emulator
        } else {
            warehouse = try await StrictFake(
                database: try await server.createDatabase("bigquery", extension: false), folder: folder)
        }
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
        let settings = databaseSettings.merging(warehouse.loaderSettings) { $1 }
        let loader = try service("loader", settings.merging(["KAFKA_TOPIC": broker.topic]) { $1 }, arguments)
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
        // Each of them, whatever another one says: none of this may stay behind.
        var failure: (any Error)?
        do { try await warehouse.stop() } catch { failure = error }
        do { try broker.stop() } catch { failure = error }
        do { try await server.stop() } catch { failure = error }
        if let failure { throw failure }
    }

    private var kafkaSettings: [String: String] {
        // A group of the topic's own: the default one may be somebody's, on somebody's broker.
        ["KAFKA_SERVERS": broker.servers, "KAFKA_TOPIC": broker.topic, "KAFKA_GROUP_ID": broker.topic]
    }

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
