import Runtime
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

    /// A look at the way of the ticks costs a look at the database.
    private static let lookInterval = Duration.milliseconds(2)

    /// The latencies of one rate, whole and in its parts.
    private struct Latencies {
        let whole: TickLatency
        let toKafka: TickLatency
        let toRow: TickLatency
    }

    func run() async throws -> [Figure] {
        var figures: [Figure] = []
        for setting in Self.settings {
            figures += try await kafka.withPipeline(partitions: partitions) { pipeline in
                try await pipeline.makeLogFiles()
                try await pipeline.startConsumer(setting.batchLatency.map { ["CONSUMER_BATCH_LATENCY": $0] } ?? [:])
                var figures = [try await flush(pipeline, setting.id, setting.name)]
                for rate in rates {
                    let latencies = try await measure(rate, pipeline)
                    let figure = { (id: String, name: String, latency: TickLatency, part: Double) in
                        Figure(
                            id: "latency.\(setting.id).\(rate).\(id)",
                            name: "tick to row at \(grouped(rate)) ticks/s, \(setting.name), \(name)",
                            value: (latency.percentile(part)?.inSeconds ?? 0) * 1_000, unit: .milliseconds)
                    }
                    var whole = figure("p99", "p99", latencies.whole, 0.99)
                    whole.goal = .atMost(setting.goalMilliseconds)
                    figures += [
                        figure("p50", "p50", latencies.whole, 0.5), whole,
                        figure("kafka", "p99 of socket to Kafka", latencies.toKafka, 0.99),
                        figure("row", "p99 of Kafka to row", latencies.toRow, 0.99),
                    ]
                }
                return figures
            }
        }
        return figures
    }

    /// What the disk takes for a flush at the time of these measurements.
    private func flush(_ pipeline: Pipeline, _ id: String, _ name: String) async throws -> Figure {
        let folder = pipeline.server.folder
        let times = try await DedicatedThread(name: "flush").run {
            try DiskFlush.times(in: folder, count: 400, every: .milliseconds(5)).sorted()
        }
        return Figure(
            id: "latency.\(id).flush", name: "a flush to the database's disk, \(name), p99",
            value: times[times.count * 99 / 100], unit: .milliseconds)
    }

    private func measure(_ rate: Int, _ pipeline: Pipeline) async throws -> Latencies {
        let broker = pipeline.broker
        let tail = try TopicTail(broker)
        let before = tail.recordCount
        let session = Session.seeded(frameCount: rate * (Self.warmUpSeconds + seconds))
        let feed = try await Feed(session, .framesPerSecond(rate))
        let producer = try await feed.startProducer(pipeline)
        let exchange = feed.exchange
        try await exchange.resume()
        let samples = try await tail.during {
            try await CommitCurve().watch(
                pipeline.database.configuration, topic: broker.topic, rows: before + session.frameCount,
                every: Self.lookInterval
            ) {
                let inKafka = tail.recordCount
                return .init(sent: before + exchange.observed.value.playback.playedCount, inKafka: inKafka)
            }
        }
        try await producer.end()
        await exchange.stop()
        let first = before + rate * Self.warmUpSeconds + 1
        return Latencies(
            whole: TickLatency(samples, between: \.sources.sent, and: \.total, from: first),
            toKafka: TickLatency(samples, between: \.sources.sent, and: \.sources.inKafka, from: first),
            toRow: TickLatency(samples, between: \.sources.inKafka, and: \.total, from: first))
    }
}
