import Glibc
import Market
import TestSupport
import Testing

@Suite("The producer's spool, over its process")
struct SpoolProcessTests {
    @Test(
        "While the broker is away the socket is read, and every frame arrives in order when it is back",
        .timeLimit(.minutes(2)))
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

    @Test("Killed while the broker is away: every frame arrives with the sequence that it had", .timeLimit(.minutes(2)))
    func killed() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 12_000),
            playback: Playback(.framesPerSecond(6_000), absence: .waits, start: .manual))
        let first = try bench.startProducer()
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        try await bench.exchange.resume()
        try await bench.exchange.observed.wait { $0.playback.playedCount > 2_000 }
        bench.kafka.setDown()
        try await bench.exchange.observed.wait { $0.playback.playedCount > 6_000 }
        first.kill()
        _ = try await first.exitStatus(within: .seconds(5))
        bench.kafka.setUp()
        let second = try bench.startProducer()
        try await bench.exchange.finished()
        // The ticket tells how many frames the first one had.
        let accepted = try #require(bench.exchange.observed.value.subscriptions.last?.nextSequence) - 1
        try await bench.waitUntilPublished(Int(accepted) + 1)
        try await expectCleanStop(second)

        let records = try bench.records()
        expectOrder(records)
        let sequences = Set(records.map(\.sequence))
        #expect(sequences == Set(1...UInt64(sequences.count)) && sequences.count > accepted && accepted > 2_000)
        #expect(Set(records.map { $0.headers["producer"] }).count == 1)
        #expect(try bench.gaps().map(\.reason) == [.restart])
    }

    @Test("SIGTERM while the broker is away is quick, and the next process sends what waits", .timeLimit(.minutes(2)))
    func stopWithoutBroker() async throws {
        let total = 20_000
        let bench = try await ProducerBench(session: .seeded(frameCount: total))
        bench.kafka.setDown()
        let first = try bench.startProducer()
        try await bench.exchange.finished()
        try await bench.exchange.observed.wait { $0.playback.playedCount == total }
        try await expectCleanStop(first)
        let stopped = try await first.errorLine(containing: "stopped", within: .seconds(5))
        let spooled = try #require(stopped.firstMatch(of: /frames.spooled=(\d+)/).flatMap { Int($0.1) })
        bench.kafka.setUp()
        let second = try bench.startProducer()
        try await bench.waitUntilPublished(spooled)
        try await expectCleanStop(second)
        let records = try bench.records()
        expectOrder(records)
        #expect(records.map(\.sequence).sorted() == Array(1...UInt64(spooled)))
    }

    @Test("Records that Kafka refuses wait, and are sent again by another client", .timeLimit(.minutes(1)))
    func refused() async throws {
        let total = 2_000
        let bench = try await ProducerBench(session: .seeded(frameCount: total))
        bench.kafka.refuseRecords(3)
        let producer = try bench.startProducer()
        try await producer.errorLine(containing: "Kafka takes no more frames", within: .seconds(20))
        try await bench.waitUntilPublished(total)
        try await expectCleanStop(producer)
        #expect(Set(try bench.records().map(\.sequence)) == Set(1...UInt64(total)))
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

func expectCleanStop(_ producer: ChildProcess) async throws {
    producer.send(SIGTERM)
    #expect(try await producer.exitStatus(within: .seconds(5)) == .code(0))
}

extension TopicReader.Record {
    var sequence: UInt64 { headers["seq"].flatMap { UInt64($0) } ?? 0 }
}

extension ExchangeObservations.Subscription {
    /// The producer's ticket says which frame it expects next.
    var nextSequence: UInt64? { ticket.split(separator: "-").last.flatMap { UInt64($0) } }
}
