import Foundation
import Market
import TestSupport
import Testing

/// The producer, the consumer and a topic that gets more partitions while both run.
@Suite("Partitions that are added while frames are sent")
struct AddedPartitionsTests {
    private static let refresh = ["KAFKA_TOPIC_METADATA_REFRESH_INTERVAL_MS": "100"]
    private static let (before, after) = (4, 8)

    /// Markets move to other partitions then. What is sent again does not: there the consumer knows it.
    @Test(
        "New segments of the spool use them, and what a killed producer sends again is dropped as a repeat",
        .timeLimit(.minutes(5)))
    func added() async throws {
        let session = Session.seeded(frameCount: 40_000)
        let last = Session.seeded(2, frameCount: 5_000)
        let bench = try await ProducerBench(
            session: session, playback: Playback(.framesPerSecond(8_000), start: .manual))
        let kafka = try MemoryKafka(topics: [
            ProducerBench.topic: Self.before, ProducerBench.topic + Gap.topicSuffix: 1,
        ])
        let name = "partitions_\(UUID().uuidString.lowercased().prefix(8))"
        let database = DatabaseProbe(try await TimescaleServer.shared.createDatabase(name))
        let consumer = try startConsumer(kafka, database, bench)

        // Segments stay for up to a minute, so that there is something to send again.
        let settings = Self.refresh.merging(["KAFKA_SERVERS": kafka.servers, "SPOOL_SYNC_INTERVAL": "1m"]) { $1 }
        let first = try bench.startProducer(settings)
        try await consumer.errorLine(containing: "assigned", within: .seconds(60))
        try await bench.exchange.resume()
        try await database.wait(for: "SELECT count(*) > 0 FROM trade_data", toBe: "t")
        kafka.addPartitions(to: ProducerBench.topic, count: Self.after)
        try await bench.exchange.finished()
        let rows = "SELECT count(*) FROM trade_data"
        try await database.wait(for: rows, toBe: "\(session.frameCount)")
        first.kill()
        _ = try await first.exitStatus(within: .seconds(60))
        try SpoolFolder.forgetDeliveries(in: bench.spool)
        try await bench.exchange.load(last, Playback())
        let second = try bench.startProducer(settings)
        var sent = session.totals()
        sent.add(last.totals())
        // They are behind all that is sent again.
        try await database.wait(for: rows, toBe: "\(sent.frameCount)")
        try await expectCleanStop(second)

        let records = try TopicReader.records(
            ProducerBench.topic, partitions: Self.after, servers: kafka.servers)
        try await database.wait(
            for: "SELECT sum(next_offset) FROM kafka_offsets WHERE topic = '\(ProducerBench.topic)'",
            toBe: "\(records.count)")
        let repeats = records.count - sent.frameCount
        #expect(repeats > 0)
        let sums = try await database.rows(
            """
            SELECT count(*), sum(trade_price)::text, sum(trade_volume)::text,
                (SELECT sum(repeats_dropped) FROM kafka_offsets) FROM trade_data
            """)
        #expect(sums[0][0] == "\(sent.frameCount)" && sums[0][3] == "\(repeats)")
        #expect(try sums[0][1].map { try Numeric($0) } == sent.priceSum)
        #expect(try sums[0][2].map { try Numeric($0) } == sent.volumeSum)
        expectPlaces(records)
        consumer.send(SIGTERM)
        #expect(try await consumer.exitStatus(within: .seconds(60)) == .code(0))
    }

    /// Each frame is in one partition however often it was sent, and a market's are in order there.
    private func expectPlaces(_ records: [TopicReader.Record]) {
        expectOrder(records)
        var places: [UInt64: Set<Int32>] = [:]
        for record in records { places[record.sequence, default: []].insert(record.partition) }
        #expect(places.values.allSatisfy { $0.count == 1 })
        #expect(Set(records.map(\.partition)).count == Self.after)
    }

    private func startConsumer(
        _ kafka: MemoryKafka, _ database: DatabaseProbe, _ bench: ProducerBench
    ) throws -> ChildProcess {
        let environment = [
            "KAFKA_SERVERS": kafka.servers, "KAFKA_TOPIC": ProducerBench.topic, "ADMIN_PORT": "0",
            "PATH": "/usr/bin:/bin",
        ]
        return try ChildProcess(
            BuiltProduct.path("consumer"),
            environment: environment.merging(database.settings.merging(Self.refresh) { $1 }) { $1 },
            folder: bench.folder)
    }
}
