import TestSupport

/// Tick-to-row latency at several rates, with default settings and with a consumer that waits little.
struct LatencyBenchmark {
    let kafka: BenchmarkKafka
    let partitions: Int
    let rates: [Int]
    let seconds: Int

    /// A batch latency, and what the 99th percentile is to stay below.
    private static let settings: [(id: String, name: String, batchLatency: String?, goalMilliseconds: Double)] = [
        ("default", "default settings", nil, 1_000), ("small", "CONSUMER_BATCH_LATENCY=5ms", "5ms", 50),
    ]

    /// How long ticks flow before they count: connections and caches are cold.
    private static let warmUpSeconds = 2

    func run() async throws -> [Figure] {
        var figures: [Figure] = []
        for setting in Self.settings {
            figures += try await kafka.withPipeline(partitions: partitions) { pipeline in
                try await pipeline.startConsumer(setting.batchLatency.map { ["CONSUMER_BATCH_LATENCY": $0] } ?? [:])
                var figures: [Figure] = []
                for rate in rates {
                    let latency = try await measure(rate, pipeline)
                    for (part, name) in [(0.5, "p50"), (0.99, "p99")] {
                        figures.append(
                            Figure(
                                id: "latency.\(setting.id).\(rate).\(name)",
                                name: "tick to row at \(grouped(rate)) ticks/s, \(setting.name), \(name)",
                                value: (latency.percentile(part)?.inSeconds ?? 0) * 1_000, unit: .milliseconds,
                                goal: part == 0.99 ? .atMost(setting.goalMilliseconds) : nil))
                    }
                }
                return figures
            }
        }
        return figures
    }

    private func measure(_ rate: Int, _ pipeline: Pipeline) async throws -> TickLatency {
        let broker = pipeline.broker
        let before = Int(
            try TopicReader.lastOffsets(broker.topic, partitions: broker.partitions, servers: broker.servers))
        let session = Session.seeded(frameCount: rate * (Self.warmUpSeconds + seconds))
        let feed = try await Feed(session, .framesPerSecond(rate))
        let producer = try await feed.startProducer(pipeline)
        let exchange = feed.exchange
        try await exchange.resume()
        let samples = try await CommitCurve().watch(
            pipeline.database.configuration, topic: broker.topic, rows: before + session.frameCount
        ) { before + exchange.observed.value.playback.playedCount }
        try await producer.end()
        await exchange.stop()
        return TickLatency(samples, from: before + rate * Self.warmUpSeconds + 1)
    }
}
