import TestSupport

/// The consumer's speed against partitions and consumers.
struct ScalingBenchmark {
    let kafka: BenchmarkKafka
    let session: Session
    let rounds: Int

    private static let partitions = [1, 2, 4]
    private static let consumers = [1, 2]

    func run() async throws -> [Figure] {
        var figures: [Figure] = []
        for partitions in Self.partitions {
            figures += try await kafka.withPipeline(partitions: partitions) { pipeline in
                try await pipeline.createTables()
                _ = try await ProducerRun(session, pipeline)
                return try await measure(pipeline, partitions)
            }
        }
        return figures
    }

    /// In turn, so that what disturbs one disturbs the other.
    private func measure(_ pipeline: Pipeline, _ partitions: Int) async throws -> [Figure] {
        var speeds: [Int: [Double]] = [:]
        for _ in 0..<rounds {
            for consumers in Self.consumers where consumers <= partitions {
                let run = try await ConsumerRun(pipeline, rows: session.frameCount, consumers: consumers)
                speeds[consumers, default: []].append(run.rowsPerSecond)
            }
        }
        let best = speeds.mapValues { $0.best(.rowsPerSecond) }
        return best.sorted { $0.key < $1.key }.map { consumers, speed in
            let isPair = consumers == 2
            return Figure(
                id: "scaling.\(partitions).\(consumers)", name: title(consumers, partitions), value: speed,
                unit: .rowsPerSecond,
                limit: isPair ? best[1].map { .init(name: title(1, partitions), value: $0) } : nil,
                goal: isPair && partitions == 2 ? .ratio(1.5) : nil)
        }
    }

    private func title(_ consumers: Int, _ partitions: Int) -> String {
        "\(consumers) consumer\(consumers == 1 ? "" : "s") on \(partitions) partition\(partitions == 1 ? "" : "s")"
    }
}
