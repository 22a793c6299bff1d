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
        servers = try await process.output.first(within: .seconds(20), "the broker") { $0.contains(":") }
        self.process = process
    }

    /// The services over a topic of their own, for as long as `body` runs.
    func withPipeline<Result>(partitions: Int, _ body: (Pipeline) async throws -> Result) async throws -> Result {
        let pipeline = try await Pipeline(partitions: partitions, environment: ["KAFKA_SERVERS": servers])
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

    func stop() { process?.kill() }
}

extension ChildProcess {
    /// Asks a service to stop, and waits for it.
    func end() async throws {
        send(SIGTERM)
        _ = try await exitStatus(within: .seconds(30))
    }
}
