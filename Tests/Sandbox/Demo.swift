import Foundation
import Kafka
import Market
import Postgres
import TestSupport

/// Where the demo's ticks come from.
enum DemoSource {
    case session(Session, name: String)
    case live(seconds: Int)
}

/// One run through the whole pipeline.
struct Demo {
    let source: DemoSource
    /// Frames a second; 0 is as fast as possible.
    let rate: Int
    /// Of the topic, when it has to be created.
    let partitions: Int
    /// How often the consumer is killed in mid-stream.
    let kills: Int
    /// How often the loader loads the same hours.
    let loads: Int

    func run() async throws -> DemoResult {
        let start = ContinuousClock.now
        var progress = ProgressLine()
        progress.step("starting TimescaleDB and what else is not there yet")
        let environment = ProcessInfo.processInfo.environment
        return try await Pipeline.with(partitions: partitions, environment: environment) { pipeline in
            progress.step("Kafka is \(pipeline.broker.name), BigQuery is \(pipeline.warehouse.name)")
            progress.step("starting the consumer")
            try await pipeline.startConsumer(consumerSettings)
            let sampler = LatencySampler()
            let sent = try await feed(pipeline, sampler, &progress)
            return try await collect(pipeline, sent, sampler.latencies(), start, &progress)
        }
    }

    /// What went in: its name, and its count and sums where they are known.
    private struct Sent {
        let name: String
        let totals: SessionTotals?
    }

    private func feed(
        _ pipeline: Pipeline, _ sampler: LatencySampler, _ progress: inout ProgressLine
    ) async throws -> Sent {
        switch source {
        case .session(let session, let name):
            try await play(session, name, pipeline, sampler, &progress)
            return Sent(name: name, totals: session.totals())
        case .live(let seconds):
            try await record(seconds, pipeline, &progress)
            return Sent(name: "live, \(seconds) s", totals: nil)
        }
    }

    /// Plays a session through a real socket and returns when its rows are committed.
    private func play(
        _ session: Session, _ name: String, _ pipeline: Pipeline, _ sampler: LatencySampler,
        _ progress: inout ProgressLine
    ) async throws {
        let authority = try TestAuthority()
        let pace: Playback.Pace = rate > 0 ? .framesPerSecond(rate) : .unlimited
        let exchange = try await ExchangeServer.start(
            session: session, playback: Playback(pace, start: .manual),
            settings: ExchangeSettings(certificate: try authority.server()))
        try pipeline.startProducer([
            "UPBIT_WEBSOCKET_URL": exchange.webSocketURL, "UPBIT_MARKETS_URL": "\(exchange.restURL)/v1/market/all",
            "UPBIT_CA_FILE": authority.authorityPath, "UPBIT_MARKETS": "*",
        ])
        try await exchange.observed.wait { !$0.subscriptions.isEmpty }
        progress.step("sending \(name): \(grouped(session.frameCount)) frames over wss")
        let database = pipeline.database.configuration
        async let sampling: Void = sampler.run(database) { exchange.observed.value.playback.playedCount }
        defer { sampler.stop() }
        try await exchange.resume()
        var lastChange = ContinuousClock.now
        var committed = 0
        var killed = 0
        while committed < session.frameCount {
            try await Task.sleep(for: .milliseconds(200))
            if sampler.committed > committed { lastChange = .now }
            committed = sampler.committed
            let sent = exchange.observed.value.playback.playedCount
            progress.update("frames sent \(grouped(sent)), records committed \(grouped(committed))")
            if killed < kills, committed > session.frameCount * (killed + 1) / (kills + 1) {
                killed += 1
                try await killConsumer(killed, pipeline, &progress)
                lastChange = .now
            }
            if lastChange + .seconds(60) < .now {
                throw SetupError("nothing was committed for 60 s: \(committed) of \(session.frameCount)")
            }
        }
        sampler.stop()
        try await sampling
        await exchange.stop()
    }

    /// Takes ticks from the real exchange, and returns when the rows of all of them are committed.
    private func record(_ seconds: Int, _ pipeline: Pipeline, _ progress: inout ProgressLine) async throws {
        try pipeline.startProducer([:])
        progress.step("taking ticks from the real exchange for \(seconds) s")
        for second in 1...max(1, seconds) {
            try await Task.sleep(for: .seconds(1))
            let committed = try? await pipeline.database.rows(
                "SELECT coalesce(sum(next_offset), 0)::text FROM kafka_offsets")
            progress.update("\(second) s, records committed \(committed?[0][0] ?? "0")")
        }
        guard let producer = pipeline.producer else { return }
        producer.send(SIGTERM)
        _ = try await producer.exitStatus(within: .seconds(6))
        var published: Int64 = 0
        let broker = pipeline.broker
        _ = try TopicReader.readAll(broker.topic, partitions: broker.partitions, servers: broker.servers) { _ in
            published += 1
        }
        guard published > 0 else {
            throw SetupError("no tick came: \(producer.errors.elements.last { $0.contains("warning") } ?? "")")
        }
        try await pipeline.database.wait(for: "SELECT sum(next_offset) FROM kafka_offsets", toBe: "\(published)")
    }

    private func collect(
        _ pipeline: Pipeline, _ sent: Sent, _ latencies: [Duration], _ start: ContinuousClock.Instant,
        _ progress: inout ProgressLine
    ) async throws -> DemoResult {
        progress.step("counting what Kafka and TimescaleDB hold")
        let (kafka, dropped) = try kafkaStage(pipeline)
        let rows = try await pipeline.database.rows(
            "SELECT count(*), sum(trade_price), sum(trade_volume) FROM trade_data")
        let letters = try await pipeline.database.rows("SELECT count(*) FROM dead_letters")
        let completeness = try await CompletenessSummary(of: pipeline.database)
        let (loader, succeeded) = try await load(pipeline, &progress)
        let loaded = try await pipeline.warehouse.totals()
        let warehouse = Stage(
            name: "BigQuery rows", records: loaded.rows, priceSum: loaded.price, volumeSum: loaded.volume)
        let table = Stage(
            name: "TimescaleDB rows", records: rows[0][0].flatMap { Int($0) }, priceSum: numeric(rows[0][1]),
            volumeSum: numeric(rows[0][2]))
        let frames = Stage(
            name: "frames sent", records: sent.totals?.frameCount, priceSum: sent.totals?.priceSum,
            volumeSum: sent.totals?.volumeSum)
        return DemoResult(
            source: sent.name, stages: [frames, kafka, table, warehouse],
            deadLetters: letters[0][0].flatMap { Int($0) } ?? -1,
            droppedByMock: dropped, completeness: completeness, isHeardWhole: sent.totals != nil, loader: loader,
            loaderSucceeded: succeeded, latencies: latencies,
            wallTime: .now - start)
    }

    private func kafkaStage(_ pipeline: Pipeline) throws -> (stage: Stage, dropped: Int64) {
        var count = 0
        var price = Numeric(units: 0)
        var volume = Numeric(units: 0)
        let broker = pipeline.broker
        let dropped = try TopicReader.readAll(
            broker.topic, partitions: broker.partitions, servers: broker.servers
        ) { record in
            count += 1
            guard let value = record.value, let tick = try? Tick(parsing: value),
                let tickPrice = try? Numeric(UnsafeRawBufferPointer(rebasing: value[tick.price])),
                let tickVolume = try? Numeric(UnsafeRawBufferPointer(rebasing: value[tick.volume]))
            else { return }
            price = Numeric(units: price.units + tickPrice.units)
            volume = Numeric(units: volume.units + tickVolume.units)
        }
        return (Stage(name: "Kafka records", records: count, priceSum: price, volumeSum: volume), dropped)
    }

    private func numeric(_ text: String?) -> Numeric? { text.flatMap { try? Numeric($0) } }
}
