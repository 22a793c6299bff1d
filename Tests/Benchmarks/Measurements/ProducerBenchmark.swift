import TestSupport

/// The producer, beside bare loops of its two libraries on the same frames: one that receives and discards,
/// and one that produces and waits for the acknowledgements.
struct ProducerBenchmark {
    let kafka: BenchmarkKafka
    let session: Session
    let partitions: Int
    let rounds: Int

    func run() async throws -> [Figure] {
        try await kafka.withPipeline(partitions: partitions) { pipeline in
            var runs: [ProducerRun] = []
            var receptions: [BareLoop] = []
            var productions: [BareLoop] = []
            for _ in 0..<rounds {
                runs.append(try await ProducerRun(session, pipeline))
                receptions.append(try await BareLoop.receiving(session))
                productions.append(try await BareLoop.producing(session, to: pipeline.broker))
            }
            return figures(runs, receptions, productions)
        }
    }

    private func figures(_ runs: [ProducerRun], _ receptions: [BareLoop], _ productions: [BareLoop]) -> [Figure] {
        let speed = runs.map(\.framesPerSecond).best(.framesPerSecond)
        let limit = { (name: String, loops: [BareLoop]) in
            Figure.Limit(name: name, value: loops.map(\.framesPerSecond).best(.framesPerSecond))
        }
        let cost = { (loops: [BareLoop]) in loops.map(\.cpuMicrosecondsPerFrame).best(.microsecondsPerFrame) }
        return [
            Figure(
                id: "producer.frames.receive", name: "producer, TLS socket to acknowledged record", value: speed,
                unit: .framesPerSecond, limit: limit("receive and discard", receptions), goal: .atLeast(100_000)),
            Figure(
                id: "producer.frames.produce", name: "producer, TLS socket to acknowledged record", value: speed,
                unit: .framesPerSecond, limit: limit("produce the same bytes", productions), isCompared: false),
            Figure(
                id: "producer.cpu", name: "producer, CPU of all threads",
                value: runs.map(\.cpuMicrosecondsPerFrame).best(.microsecondsPerFrame), unit: .microsecondsPerFrame,
                limit: Figure.Limit(name: "receive, and produce", value: cost(receptions) + cost(productions)),
                goal: .atMost(8)),
            Figure(
                id: "producer.memory", name: "producer, peak resident memory",
                value: runs.map(\.peakResidentMegabytes).max() ?? 0, unit: .megabytes, goal: .atMost(40)),
        ]
    }
}
