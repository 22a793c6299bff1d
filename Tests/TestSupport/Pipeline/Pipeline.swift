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
    package let server: TimescaleServer
    /// Of the fake BigQuery, when it has one of its own.
    private let warehouseServer: TimescaleServer?
    package private(set) var consumer: ChildProcess?
    package private(set) var producer: ChildProcess?

    /// - Parameters:
    ///   - partitions: of a topic that has to be created.
    ///   - brokers: of a cluster of our own.
    ///   - databaseSettings: of the services' database server, by name.
    ///   - isWarehouseApart: the fake BigQuery survives what happens to the services' database.
    ///   - environment: may name a Kafka broker (`KAFKA_SERVERS`) and an emulator of BigQuery
    ///     (`BIGQUERY_EMULATOR_HOST`) that run already; what it does not name is started here.
    package init(
        partitions: Int, brokers: Int = 1, databaseSettings: [String: String] = [:], isWarehouseApart: Bool = false,
        environment: [String: String] = [:]
    ) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "sandbox-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        broker = try await Broker.start(partitions: partitions, brokers: brokers, environment: environment)
        server = try await TimescaleServer(extraSettings: databaseSettings)
        warehouseServer = isWarehouseApart ? try await TimescaleServer(extraSettings: ["fsync": "off"]) : nil
        database = DatabaseProbe(try await server.createDatabase("coin"))
        if let emulator = OtherEmulator(environment: environment) {
            warehouse = emulator
        } else {
            let tables = try await (warehouseServer ?? server).createDatabase("bigquery", extension: false)
            warehouse = try await StrictFake(database: tables, folder: folder)
        }
    }

    /// Runs `body` with a pipeline of its own, which is stopped then. When something fails, the last words of
    /// the services are written to standard error.
    package static func with<Result>(
        partitions: Int, databaseSettings: [String: String] = [:], environment: [String: String],
        _ body: (Pipeline) async throws -> Result
    ) async throws -> Result {
        let pipeline = try await Pipeline(
            partitions: partitions, databaseSettings: databaseSettings, environment: environment)
        do {
            let result = try await body(pipeline)
            try await pipeline.stop()
            return result
        } catch {
            for service in [pipeline.producer, pipeline.consumer].compactMap({ $0 }) {
                FileHandle.standardError.write(
                    Data(service.errors.elements.suffix(20).joined(separator: "\n").utf8 + [10]))
            }
            try? await pipeline.stop()
            throw error
        }
    }

    /// How the services are started here.
    package var services: PipelineServices {
        PipelineServices(folder: folder, broker: broker, database: database.configuration, warehouse: warehouse)
    }

    /// Starts the consumer and returns when the group gave it all partitions.
    package func startConsumer(_ extra: [String: String] = [:]) async throws {
        let consumer = try services.consumer(extra)
        self.consumer = consumer
        try await consumer.errorLine(containing: "assigned", within: .seconds(60))
    }

    package func startProducer(_ extra: [String: String]) throws { producer = try services.producer(extra) }

    /// Runs the loader to its end and returns what it printed.
    package func runLoader(_ arguments: [String]) async throws -> (
        exit: ChildProcess.Exit, output: [String], errors: [String]
    ) {
        let loader = try services.loader(arguments)
        let exit = try await loader.exitStatus(within: .seconds(600))
        try await loader.output.closed(within: .seconds(60), "the loader's output")
        try await loader.errors.closed(within: .seconds(60), "the loader's errors")
        return (exit, loader.output.elements, loader.errors.elements)
    }

    /// Runs one command of psql in the services' database.
    package func psql(_ command: String) async throws {
        try await server.psql(command, database: database.configuration.database)
    }

    /// Asks the services to stop, in the order of the data, then ends everything else.
    ///
    /// - Parameter keepsFolder: for who wants to know what happened.
    package func stop(keepsFolder: Bool = false) async throws {
        defer { if !keepsFolder { try? FileManager.default.removeItem(atPath: folder) } }
        for service in [producer, consumer].compactMap({ $0 }) where service.isRunning {
            service.send(SIGTERM)
            _ = try await service.exitStatus(within: .seconds(60))
        }
        // Each of them, whatever another one says: none of this may stay behind.
        var failure: (any Error)?
        do { try await warehouse.stop() } catch { failure = error }
        do { try broker.stop() } catch { failure = error }
        do { try await server.stop() } catch { failure = error }
        do { try await warehouseServer?.stop() } catch { failure = error }
        if let failure { throw failure }
    }
}
