import Glibc
import Market
import Runtime
import TestSupport
import Testing

@Suite("The producer and records that Kafka refuses", .timeLimit(.minutes(5)))
struct RefusalProcessTests {
    @Test("Records that Kafka refuses wait, and are sent again by another client")
    func refused() async throws {
        let total = 2_000
        let bench = try await ProducerBench(session: .seeded(frameCount: total))
        bench.kafka.refuseRecords(3)
        let producer = try bench.startProducer()
        try await producer.errorLine(containing: "Kafka takes no more frames", within: .seconds(60))
        try await bench.waitUntilPublished(through: UInt64(total))
        try await expectCleanStop(producer)
        #expect(Set(try bench.records().map(\.sequence)).count == total)
    }

    @Test(
        "A batch that is too large, for the topic or for its segments, is sent again frame by frame, and none is lost",
        arguments: [MockCluster.Refusal.tooLarge, .batchTooLarge])
    func batchTooLarge(_ refusal: MockCluster.Refusal) async throws {
        let total = 3_000
        let bench = try await ProducerBench(session: .seeded(frameCount: total))
        // As a topic does that never takes the same batch.
        bench.kafka.refuseRecords(1, refusal)
        let producer = try bench.startProducer()
        try await bench.waitUntilPublished(through: UInt64(total))
        try await expectCleanStop(producer)
        #expect(Set(try bench.records().map(\.sequence)).count == total)
        #expect(producer.errors.elements.contains { $0.contains("sending its frames one by one") })
    }

    @Test("What is behind a refused batch is sent once: the client that isolates has nothing on its way at its end")
    func sentOnce() async throws {
        let session = Session.seeded(SeededSettings(frameCount: 20).with { $0.wonMarketCount = 1 })
        let bench = try await ProducerBench(session: session, playback: Playback(absence: .waits, start: .manual))
        // Of one market, and so of one partition: what is sent next is on its way while the client is replaced.
        bench.kafka.setDelay(milliseconds: 50)
        let frame = ExchangeFault.frame(Array(#"{"code":"\#(session.markets[0].code)","trade_price":1}"#.utf8))
        let producer = try bench.startProducer(["KAFKA_LINGER_MS": "3000"])
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        try await bench.exchange.inject(frame)
        try await bench.waitUntilPublished(1)
        bench.kafka.refuseRecords(1, .tooLarge)
        try await bench.exchange.inject(frame, frame, frame)
        try await producer.errorLine(containing: "Kafka refuses a batch", within: .seconds(60))
        try await bench.exchange.resume()
        try await bench.waitUntilPublished(24)
        try await expectCleanStop(producer)
        #expect(try bench.records().map(\.sequence) == Array(1...24))
    }

    @Test(
        "A frame that alone is refused is given up with an error, and the frame behind it tells the gap",
        arguments: [
            ([MockCluster.Refusal.tooLarge, .tooLarge], "is larger than Kafka takes"),
            ([.invalidRecord, .invalidRecord], "Kafka refuses a frame for good"),
            ([.invalidTimestamp, .invalidTimestamp, .invalidTimestamp], "Kafka refuses a frame for good"),
        ])
    func givenUp(_ refusals: [MockCluster.Refusal], _ message: String) async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 10), playback: Playback(absence: .waits, start: .manual))
        for refusal in refusals { bench.kafka.refuseRecords(1, refusal) }
        let producer = try bench.startProducer()
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        // Alone until it is given up: another frame could be refused in its stead.
        try await bench.exchange.inject(.frame(Array(#"{"code":"KRW-BTC","trade_price":1}"#.utf8)))
        let line = try await producer.errorLine(containing: message, within: .seconds(60))
        #expect(line.contains("frame.seq=1 "))
        try await bench.exchange.resume()
        try await bench.waitUntilPublished(10)
        try await bench.waitForGaps(1)
        try await expectCleanStop(producer)
        let records = try bench.records().sorted { $0.sequence < $1.sequence }
        #expect(records.map(\.sequence) == Array(2..<2 + UInt64(records.count)))
        let gap = try #require(try bench.gaps().first)
        #expect(gap.reason == .refused && gap.from < gap.to)
        #expect(records.map { $0.headers["gap"] } == [gap.header] + [String?](repeating: nil, count: records.count - 1))
        #expect(records[0].headers["received"] == "\(gap.to)")
    }

    @Test("A frame that is given up is not let go before another one has told of it")
    func untold() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 2), playback: Playback(.framesPerSecond(1), absence: .waits, start: .manual))
        bench.kafka.refuseRecords(2, .invalidRecord)
        let first = try bench.startProducer()
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        try await bench.exchange.inject(.frame(Array(#"{"code":"KRW-BTC","trade_price":1}"#.utf8)))
        try await first.errorLine(containing: "Kafka refuses a frame for good", within: .seconds(60))
        first.kill()
        _ = try await first.exitStatus(within: .seconds(60))
        bench.kafka.refuseRecords(2, .invalidRecord)
        let second = try bench.startProducer()
        try await second.errorLine(containing: "Kafka refuses a frame for good", within: .seconds(60))
        try await bench.exchange.resume()
        try await bench.waitUntilPublished(2)
        try await bench.waitForGaps(1)
        try await expectCleanStop(second)
        let records = try bench.records().sorted { $0.sequence < $1.sequence }
        #expect(records.map(\.sequence) == [2, 3])
        // The restart is the later reason of one span.
        #expect(records[0].headers["gap"]?.hasSuffix(",restart") == true)
        #expect(try bench.gaps().count == 1)
    }

    @Test("Frames whose timestamp is refused are sent again with the present time, and none is lost")
    func invalidTimestamp() async throws {
        let total = 3_000
        let bench = try await ProducerBench(session: .seeded(frameCount: total))
        bench.kafka.refuseRecords(1, .invalidTimestamp)
        let start = Int64(microsecondsSince1970() / 1_000)
        let producer = try bench.startProducer()
        try await bench.waitUntilPublished(through: UInt64(total))
        try await expectCleanStop(producer)
        let records = try bench.records()
        #expect(Set(records.map(\.sequence)).count == total)
        // Those of the session are long past; which frame was in the first request is not ours to say.
        #expect(records.contains { ($0.timestampMilliseconds ?? 0) >= start })
        #expect(try bench.gaps().isEmpty)
    }
}
