import TestSupport

/// Minutes at one rate: what producer and consumer hold at the start and at the end.
struct SoakBenchmark {
    let kafka: BenchmarkKafka
    let partitions: Int
    let rate: Int
    let seconds: Int

    /// How long ticks flow until what is held counts as the start.
    private static let warmUpSeconds = 15

    private struct Holding {
        let megabytes: Double
        let descriptors: Int

        init(_ process: ChildProcess) {
            megabytes = Double(ProcessUsage.residentBytes(of: process.processID)) / 1e6
            descriptors = ProcessUsage.openDescriptors(of: process.processID)
        }
    }

    func run() async throws -> [Figure] {
        try await kafka.withPipeline(partitions: partitions) { pipeline in
            try await pipeline.startConsumer()
            let session = Session.seeded(frameCount: rate * (Self.warmUpSeconds + seconds))
            let feed = try await Feed(session, .framesPerSecond(rate))
            let producer = try await feed.startProducer(pipeline)
            guard let consumer = pipeline.consumer else { throw SetupError("no consumer") }
            try await feed.exchange.resume()
            try await reach(rate * Self.warmUpSeconds, pipeline)
            let start = (producer: Holding(producer), consumer: Holding(consumer))
            try await reach(session.frameCount, pipeline)
            let end = (producer: Holding(producer), consumer: Holding(consumer))
            await feed.exchange.stop()
            return figures("producer", start.producer, end.producer, limitMegabytes: 40)
                + figures("consumer", start.consumer, end.consumer, limitMegabytes: 100)
        }
    }

    private func reach(_ rows: Int, _ pipeline: Pipeline) async throws {
        let topic = pipeline.broker.topic
        // Asked seldom, so that the asking is no load.
        while true {
            let committed = try await pipeline.database.rows(
                "SELECT coalesce(sum(next_offset), 0) FROM kafka_offsets WHERE topic = '\(topic)'")
            if (committed[0][0].flatMap { Int($0) } ?? 0) >= rows { return }
            guard pipeline.producer?.isRunning == true, pipeline.consumer?.isRunning == true else {
                throw SetupError("a service ended")
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func figures(_ name: String, _ start: Holding, _ end: Holding, limitMegabytes: Double) -> [Figure] {
        [
            Figure(
                id: "soak.\(name).memory.start", name: "\(name), resident memory after \(Self.warmUpSeconds) s",
                value: start.megabytes, unit: .megabytes),
            Figure(
                id: "soak.\(name).memory.end", name: "\(name), resident memory \(seconds) s later",
                value: end.megabytes, unit: .megabytes, goal: .atMost(limitMegabytes)),
            Figure(
                id: "soak.\(name).descriptors.start", name: "\(name), descriptors after \(Self.warmUpSeconds) s",
                value: Double(start.descriptors), unit: .count),
            Figure(
                id: "soak.\(name).descriptors.end", name: "\(name), descriptors \(seconds) s later",
                value: Double(end.descriptors), unit: .count, goal: .atMost(Double(start.descriptors))),
        ]
    }
}
