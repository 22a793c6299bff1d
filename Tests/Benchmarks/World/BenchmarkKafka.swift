import Foundation
import TestSupport

/// The Kafka of the benchmarks: a ``MemoryBroker`` in a process of its own, or what `KAFKA_SERVERS` names.
struct BenchmarkKafka {
    let servers: String
    private let process: ChildProcess?

    /// - Parameter keptMebibytes: what each partition keeps.
    init(keptMebibytes: Int = 4_096) async throws {
        if let servers = ProcessInfo.processInfo.environment["KAFKA_SERVERS"], !servers.isEmpty {
            (self.servers, process) = (servers, nil)
            return
        }
        let process = try ChildProcess(
            BuiltProduct.path("benchmarks"), ["broker", "--kept-mebibytes", "\(keptMebibytes)"])
        servers = try await process.output.first(within: .seconds(60), "the broker") { $0.contains(":") }
        self.process = process
    }

    /// The services over a topic of their own, for as long as `body` runs.
    func withPipeline<Result>(partitions: Int, _ body: (Pipeline) async throws -> Result) async throws -> Result {
        try await Pipeline.with(
            partitions: partitions, databaseSettings: Pipeline.settingsToKeepLogFiles,
            environment: ["KAFKA_SERVERS": servers], body)
    }

    func stop() { process?.kill() }
}

extension ChildProcess {
    /// Asks a service to stop, and waits for it.
    func end() async throws {
        send(SIGTERM)
        _ = try await exitStatus(within: .seconds(30))
    }
}
