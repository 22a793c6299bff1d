import Glibc
import Market
import TestSupport
import Testing

@testable import Producer

@Suite("The producer's spool, over its process")
struct SpoolProcessTests {
    @Test(
        "While the broker is away the socket is read, and every frame arrives in order when it is back",
        .timeLimit(.minutes(5)))
    func brokerAway() async throws {
        let total = 20_000
        let bench = try await ProducerBench(session: .seeded(frameCount: total), playback: Playback(start: .manual))
        let producer = try bench.startProducer(["KAFKA_QUEUE_BUFFERING_MAX_MESSAGES": "500"])
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        bench.kafka.setDown()
        try await bench.exchange.resume()
        try await bench.exchange.finished()
        bench.kafka.setUp()
        try await bench.waitUntilPublished(total)
        try await expectCleanStop(producer)
        let records = try bench.records()
        expectOrder(records)
        #expect(records.map(\.sequence).sorted() == Array(1...UInt64(total)))
        #expect(try bench.gaps().isEmpty)
    }

    @Test("Killed while the broker is away: every frame arrives with the sequence that it had", .timeLimit(.minutes(5)))
    func killed() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 60_000),
            playback: Playback(.framesPerSecond(2_000), absence: .waits, start: .manual))
        let first = try bench.startProducer()
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        try await bench.exchange.resume()
        try await bench.waitUntilPublished(2_000)
        bench.kafka.setDown()
        let played = bench.exchange.observed.value.playback.playedCount
        try await bench.exchange.observed.wait { $0.playback.playedCount > played + 4_000 }
        first.kill()
        _ = try await first.exitStatus(within: .seconds(60))
        bench.kafka.setUp()
        let second = try bench.startProducer()
        // The ticket tells how many frames the first one had.
        let seen = try await bench.exchange.observed.wait { $0.subscriptions.count == 2 }
        let accepted = try #require(seen.subscriptions[1].nextSequence) - 1
        try await bench.waitUntilPublished(through: accepted + 1)
        try await bench.waitForGaps(1)
        try await expectCleanStop(second)

        let records = try bench.records()
        expectOrder(records)
        #expect(accepted >= 2_000)
        #expect(Set(records.map { $0.headers["producer"] }).count == 1)
        #expect(try bench.gaps().map(\.reason) == [.restart])
    }

    /// What the process says that it has read is the measure here, and not what the one after it asks for: that
    /// would leave out whatever was lost between the socket and the spool.
    @Test(
        "Killed while the broker is away: each frame that it counted as received is in Kafka once, in order",
        .timeLimit(.minutes(5)))
    func nothingBetweenSocketAndSpool() async throws {
        let (delivered, total) = (1_000, 6_000)
        let session = Session.seeded(frameCount: delivered)
        let bench = try await ProducerBench(session: session)
        let port = try AdminPort()
        let first = try bench.startProducer(port.settings)
        try await bench.exchange.finished()
        try await port.wait(for: "ticker_producer_frames_delivered_total") { $0 == Double(delivered) }
        // Of what comes next Kafka has nothing, and of what came before everything: nothing is there twice.
        try await port.wait(for: "ticker_producer_spool_waiting_frames") { $0 == 0 }
        bench.kafka.setDown()
        let away = Session.seeded(2, frameCount: total - delivered)
        try await bench.exchange.load(away, Playback())
        try await port.wait(for: "ticker_producer_frames_received_total") { $0 == Double(total) }
        first.kill()
        _ = try await first.exitStatus(within: .seconds(60))
        bench.kafka.setUp()
        let second = try bench.startProducer()
        let seen = try await bench.exchange.observed.wait { $0.subscriptions.count == 2 }
        #expect(seen.subscriptions[1].nextSequence == UInt64(total) + 1)
        try await bench.waitUntilPublished(total)
        try await expectCleanStop(second)

        let records = try bench.records()
        expectOrder(records)
        #expect(records.map(\.sequence).sorted() == Array(1...UInt64(total)))
        let frames = session.frames().map(\.bytes) + away.frames().map(\.bytes)
        #expect(records.sorted { $0.sequence < $1.sequence }.map(\.value) == frames)
    }

    @Test(
        "Killed again and again, with a broker that comes and goes: every frame arrives, as it was sent",
        .timeLimit(.minutes(5)))
    func killedOften() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SplitMix64(seed: seed)
        let session = Session.seeded(frameCount: 30_000)
        let bench = try await ProducerBench(
            session: session, playback: Playback(.framesPerSecond(4_000), absence: .rewinds, start: .manual))
        var producer = try bench.startProducer()
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        try await bench.exchange.resume()
        for round in 0..<20 {
            let played = bench.exchange.observed.value.playback.playedCount
            let step = Int.random(in: 1...1_500, using: &generator)
            try await bench.exchange.observed.wait(within: .seconds(60)) {
                $0.playback.playedCount > played + step || $0.playback.isFinished
            }
            producer.kill()
            _ = try await producer.exitStatus(within: .seconds(60))
            if round % 5 == 1 { bench.kafka.setDown() }
            if round % 5 == 3 { bench.kafka.setUp() }
            producer = try bench.startProducer()
        }
        bench.kafka.setUp()
        try await bench.exchange.finished()
        let frames = session.frames().map(\.bytes)
        try await expectAll(frames, bench)
        try await expectCleanStop(producer)
        expectOrder(try bench.records())
    }

    /// Returns once each frame is in Kafka under its number.
    private func expectAll(_ frames: [[UInt8]], _ bench: ProducerBench) async throws {
        var values: [UInt64: [UInt8]] = [:]
        let deadline = ContinuousClock.now + .seconds(60)
        repeat {
            try await bench.waitUntilPublished(frames.count)
            for record in try bench.records() {
                #expect(values[record.sequence] == nil || values[record.sequence] == record.value)
                values[record.sequence] = record.value
            }
        } while values.count < frames.count && .now < deadline
        #expect(values.count == frames.count)
        #expect(frames.enumerated().allSatisfy { values[UInt64($0.offset) + 1] == $0.element })
    }

    @Test("SIGTERM while the broker is away is quick, and the next process sends what waits", .timeLimit(.minutes(5)))
    func stopWithoutBroker() async throws {
        let total = 20_000
        let bench = try await ProducerBench(session: .seeded(frameCount: total))
        bench.kafka.setDown()
        let first = try bench.startProducer()
        try await bench.exchange.finished()
        try await bench.exchange.observed.wait { $0.playback.playedCount == total }
        try await expectCleanStop(first)
        let stopped = try await first.errorLine(containing: "stopped", within: .seconds(60))
        let spooled = try #require(stopped.firstMatch(of: /frames.spooled=(\d+)/).flatMap { Int($0.1) })
        bench.kafka.setUp()
        let second = try bench.startProducer()
        try await bench.waitUntilPublished(spooled)
        try await expectCleanStop(second)
        let records = try bench.records()
        expectOrder(records)
        #expect(records.map(\.sequence).sorted() == Array(1...UInt64(spooled)))
    }

    @Test(
        "After a crash of the machine frames are sent from the first one on, also when none waited before it",
        .timeLimit(.minutes(5)))
    func machineCrashed() async throws {
        let (before, after) = (200, 300)
        let bench = try await ProducerBench(session: .seeded(frameCount: before))
        let port = try AdminPort()
        let first = try bench.startProducer(port.settings)
        try await port.wait(for: "ticker_producer_frames_delivered_total") { $0 == Double(before) }
        first.kill()
        _ = try await first.exitStatus(within: .seconds(60))
        try SpoolFolder.forgetBoot(in: bench.spool)
        let second = try bench.startProducer()
        try await bench.exchange.observed.wait { $0.subscriptions.count == 2 }
        // One by one, so that the first of them is not behind others of its partition.
        try await bench.exchange.load(.seeded(2, frameCount: after), Playback(.framesPerSecond(500)))
        let records = try await bench.waitForRecords { $0.count == before + after }
        let sequences = records.map(\.sequence).sorted()
        #expect(sequences.prefix(before) == Array(1...UInt64(before))[...])
        #expect(sequences[before] > 1_000_000)
        try await expectCleanStop(second)
    }

    @Test("Damage is told once, however often the frame behind it is tried", .timeLimit(.minutes(5)))
    func damage() async throws {
        let session = Session.seeded(SeededSettings(frameCount: 100).with { $0.wonMarketCount = 1 })
        let bench = try await ProducerBench(session: session)
        bench.kafka.setDown()
        let port = try AdminPort()
        let first = try bench.startProducer(port.settings)
        try await port.wait(for: "ticker_producer_frames_received_total") { $0 == 100 }
        try await expectCleanStop(first)
        let size = SpoolRecord.size(frameBytes: session.frames().map(\.bytes)[0].count)
        let segment = "\(bench.spool)/00000000000000000001.segment"
        try SpoolFolder.change(segment) { $0[SegmentHeader.bytes + size + 50] ^= 1 }
        bench.kafka.setUp()
        // The first frame is on its way for so long, and the one behind the damage is tried all the time.
        bench.kafka.setDelay(milliseconds: 300)
        let second = try bench.startProducer()
        try await bench.waitForRecords { Set($0.map(\.sequence)).isSuperset(of: [1] + Array(3...100)) }
        try await expectCleanStop(second)
        #expect(second.errors.elements.count { $0.contains("the spool is damaged") } == 1)
    }

    @Test(
        "When the first of many batches is refused, none behind it is in the partition before it",
        .timeLimit(.minutes(5)))
    func firstBatchRefused() async throws {
        let total = 500
        let bench = try await ProducerBench(session: .seeded(frameCount: total))
        bench.kafka.setDelay(milliseconds: 20)
        bench.kafka.refuseRecords(1)
        let producer = try bench.startProducer(["KAFKA_BATCH_NUM_MESSAGES": "1"])
        try await bench.waitUntilPublished(through: UInt64(total))
        try await expectCleanStop(producer)
        expectOrder(try bench.records())
    }

    @Test(
        "A frame that is sent again goes to its partition, also when the topic has more of them and keys are spread otherwise",
        .timeLimit(.minutes(5)))
    func partitions() async throws {
        let total = 1_000
        let bench = try await ProducerBench(session: .seeded(frameCount: total), playback: Playback(start: .manual))
        let first = try bench.startProducer()
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        try await bench.exchange.resume()
        try await bench.waitUntilPublished(total)
        first.kill()
        _ = try await first.exitStatus(within: .seconds(60))
        try SpoolFolder.forgetDeliveries(in: bench.spool)
        let larger = try MockCluster()
        try larger.createTopic(ProducerBench.topic, partitions: 8)
        let second = try bench.startProducer([
            "KAFKA_SERVERS": larger.bootstrapServers, "KAFKA_PARTITIONER": "fnv1a",
        ])
        try await TopicReader.wait(
            for: Int64(total), in: ProducerBench.topic, partitions: 8, servers: larger.bootstrapServers)
        try await expectCleanStop(second)
        let places = { (records: [TopicReader.Record]) in
            Dictionary(records.map { ($0.sequence, $0.partition) }) { first, _ in first }
        }
        let again = try TopicReader.records(ProducerBench.topic, partitions: 8, servers: larger.bootstrapServers)
        #expect(try places(again) == places(bench.records()))
        #expect(Set(again.map(\.partition)).count == 4)
    }
}

/// Within a partition no frame comes for the first time behind one of a later sequence.
func expectOrder(_ records: [TopicReader.Record]) {
    var last: [Int32: UInt64] = [:]
    var seen: Set<UInt64> = []
    for record in records.sorted(by: { ($0.partition, $0.offset) < ($1.partition, $1.offset) })
    where seen.insert(record.sequence).inserted {
        #expect(record.sequence > last[record.partition, default: 0])
        last[record.partition] = record.sequence
    }
}

/// SIGTERM, and an end in order; after it all that the producer said is there to be looked at.
func expectCleanStop(_ producer: ChildProcess) async throws {
    producer.send(SIGTERM)
    #expect(try await producer.exitStatus(within: .seconds(60)) == .code(0))
    try await producer.errors.closed(within: .seconds(60), "the producer's output")
}

extension TopicReader.Record {
    var sequence: UInt64 { headers["seq"].flatMap { UInt64($0) } ?? 0 }
}

extension ExchangeObservations.Subscription {
    /// The producer's ticket says which frame it expects next.
    var nextSequence: UInt64? { ticket.split(separator: "-").last.flatMap { UInt64($0) } }
}
