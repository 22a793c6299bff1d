import TestSupport

/// The consumer, beside `psql \copy` of the same rows into the same table and beside fetching them alone.
struct ConsumerBenchmark {
    let kafka: BenchmarkKafka
    let session: Session
    let partitions: Int
    let rounds: Int

    func run() async throws -> [Figure] {
        try await kafka.withPipeline(partitions: partitions) { pipeline in
            try await pipeline.createTables()
            // As in production: the real producer's records, in the real producer's batches.
            _ = try await ProducerRun(session, pipeline)
            let rows = session.frameCount
            var runs = [try await ConsumerRun(pipeline, rows: rows)]
            let copy = try await TableCopy(pipeline, rows: rows)
            var copies = [try await copy.rowsPerSecond(pipeline)]
            var fetches = [try fetching(pipeline.broker)]
            for _ in 1..<rounds {
                runs.append(try await ConsumerRun(pipeline, rows: rows))
                copies.append(try await copy.rowsPerSecond(pipeline))
                fetches.append(try fetching(pipeline.broker))
            }
            return figures(runs, copies, fetches)
        }
    }

    /// What librdkafka alone came to.
    private struct Fetch {
        let rowsPerSecond: Double
        let cpuMicrosecondsPerRow: Double
    }

    private func fetching(_ broker: Broker) throws -> Fetch {
        let usedBefore = ProcessUsage.ownCPUSeconds()
        let time = try ContinuousClock().measure {
            _ = try TopicReader.readAll(
                broker.topic, partitions: broker.partitions, servers: broker.servers
            ) { _ in }
        }
        let rows = Double(session.frameCount)
        return Fetch(
            rowsPerSecond: rows / time.inSeconds,
            cpuMicrosecondsPerRow: (ProcessUsage.ownCPUSeconds() - usedBefore) / rows * 1e6)
    }

    private func figures(_ runs: [ConsumerRun], _ copies: [Double], _ fetches: [Fetch]) -> [Figure] {
        let speed = runs.map(\.rowsPerSecond).median
        let fetch = "fetch and discard"
        return [
            Figure(
                id: "consumer.rows", name: "consumer, Kafka to committed row", value: speed, unit: .rowsPerSecond,
                limit: .init(name: "psql \\copy of the same rows", value: copies.median),
                goal: .ratio(0.8)),
            Figure(
                id: "consumer.fetch", name: "consumer, Kafka to committed row", value: speed, unit: .rowsPerSecond,
                limit: .init(name: fetch, value: fetches.map(\.rowsPerSecond).median),
                isCompared: false),
            Figure(
                id: "consumer.cpu", name: "consumer, CPU of all threads",
                value: runs.map(\.cpuMicrosecondsPerRow).median, unit: .microsecondsPerRow,
                limit: .init(name: fetch, value: fetches.map(\.cpuMicrosecondsPerRow).median)),
            Figure(
                id: "consumer.start", name: "consumer, start to first row",
                value: runs.map(\.startSeconds).best(.seconds), unit: .seconds),
            Figure(
                id: "consumer.memory", name: "consumer, peak resident memory",
                value: runs.map(\.peakResidentMegabytes).max() ?? 0, unit: .megabytes, goal: .atMost(100)),
        ]
    }
}
