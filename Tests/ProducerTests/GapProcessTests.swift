import Glibc
import Market
import TestSupport
import Testing

@Suite("The gaps that the producer tells", .timeLimit(.minutes(5)))
struct GapProcessTests {
    private func bench(rate: Int = 500) async throws -> ProducerBench {
        try await ProducerBench(
            session: .seeded(frameCount: 100_000), playback: Playback(.framesPerSecond(rate), absence: .waits))
    }

    private func waitForGaps(_ count: Int, _ bench: ProducerBench) async throws -> [Gap] {
        try await bench.waitForGaps(count)
        return try bench.gaps()
    }

    @Test(
        "A connection that ends is a gap, from the last frame before it to the first one after it",
        arguments: [ExchangeFault.reset, .hangUp, .close(code: 1000)])
    func disconnect(_ fault: ExchangeFault) async throws {
        let bench = try await bench()
        let producer = try bench.startProducer()
        try await bench.exchange.observed.wait { $0.playback.playedCount > 200 }
        try await bench.exchange.inject(fault)
        let gap = try #require(try await waitForGaps(1, bench).first)
        try await expectCleanStop(producer)
        #expect(gap.reason == .disconnect)
        let records = try bench.records().sorted { $0.sequence < $1.sequence }
        #expect(gap.producer == records[0].headers["producer"])
        let received = records.compactMap { $0.headers["received"].flatMap { UInt64($0) } }
        #expect(received.contains(gap.to) && !received.contains { $0 > gap.from && $0 < gap.to })
        #expect(try bench.gaps().count == 1)
        let ends = records.filter { $0.headers["gap"] != nil }
        #expect(ends.map { $0.headers["gap"] } == [gap.header] && ends[0].headers["received"] == "\(gap.to)")
    }

    @Test("A feed that is silent is a gap, from its last frame")
    func stall() async throws {
        let bench = try await bench()
        let producer = try bench.startProducer(["UPBIT_STALL_TIMEOUT": "1s"])
        try await bench.exchange.observed.wait { $0.playback.playedCount > 200 }
        try await bench.exchange.inject(.stall(answeringPings: true))
        let gap = try #require(try await waitForGaps(1, bench).first)
        try await expectCleanStop(producer)
        #expect(gap.reason == .stall && gap.to - gap.from >= 1_000_000)
    }

    @Test("Each stop and each kill is one gap, also when Kafka was away all the time")
    func restarts() async throws {
        let bench = try await bench()
        for round in 0..<4 {
            if round == 1 { bench.kafka.setDown() }
            if round == 3 { bench.kafka.setUp() }
            let played = bench.exchange.observed.value.playback.playedCount
            let producer = try bench.startProducer()
            try await bench.exchange.observed.wait { $0.playback.playedCount > played + 200 }
            // What was sent is not yet received; without a frame this process and the next are one gap.
            try await producer.errorLine(containing: "receiving", within: .seconds(60))
            if round == 3 { _ = try await waitForGaps(3, bench) }
            if round.isMultiple(of: 2) { producer.kill() } else { producer.send(SIGTERM) }
            _ = try await producer.exitStatus(within: .seconds(60))
        }
        let gaps = try bench.gaps()
        #expect(gaps.map(\.reason) == [.restart, .restart, .restart])
        #expect(zip(gaps, gaps.dropFirst()).allSatisfy { $0.to <= $1.from })
    }

    @Test("A gap that its topic cannot take holds nothing up, and is told there by a later process")
    func topicAway() async throws {
        let bench = try await bench()
        let topic = ProducerBench.topic + Gap.topicSuffix
        bench.kafka.hideTopic(topic)
        let first = try bench.startProducer()
        try await bench.exchange.observed.wait { $0.playback.playedCount > 200 }
        try await bench.exchange.inject(.close(code: 1000))
        let subscriptions = try await bench.exchange.observed.wait { $0.subscriptions.count == 2 }.subscriptions
        let ends = Int(try #require(subscriptions[1].nextSequence))
        try await bench.waitUntilPublished(ends + 100)
        // What is on its way at a stop may stay in the spool when there is much of it.
        try await bench.exchange.pause()
        try await expectCleanStop(first)
        #expect(try await first.errorLine(containing: "stopped", within: .seconds(60)).contains("frames.spooled=0"))
        bench.kafka.showTopic(topic)
        #expect(try bench.gaps().isEmpty)
        let second = try bench.startProducer()
        try await bench.exchange.resume()
        let gaps = try await waitForGaps(2, bench)
        try await expectCleanStop(second)
        #expect(gaps.map(\.reason) == [.disconnect, .restart])
        let told = try bench.records().sorted { $0.sequence < $1.sequence }.compactMap { $0.headers["gap"] }
        #expect(told == gaps.map(\.header))
    }

    @Test("Some records tell until when all that was received is in Kafka: until one that came earlier")
    func settled() async throws {
        let bench = try await bench()
        let producer = try bench.startProducer()
        try await bench.waitForRecords { $0.count { $0.headers["settled"] != nil } >= 3 }
        try await expectCleanStop(producer)
        let records = try bench.records().sorted { $0.sequence < $1.sequence }
        let told = records.compactMap { record in record.headers["settled"].map { ($0, record.sequence) } }
        let received = records.compactMap { $0.headers["received"].flatMap { UInt64($0) } }
        let span = try #require(received.last) - received[0]
        #expect(told.count <= span / 200_000, "one in 200 ms at most")
        for (time, sequence) in told {
            let mark = try #require(records.first { $0.headers["received"] == time })
            #expect(mark.sequence < sequence)
        }
    }

    @Test("A start, new listings and a broker that comes and goes are no gaps")
    func none() async throws {
        let bench = try await bench(rate: 2_000)
        let producer = try bench.startProducer()
        try await bench.exchange.observed.wait { $0.playback.playedCount > 1_000 }
        bench.kafka.setDown()
        try await bench.exchange.observed.wait { $0.playback.playedCount > 4_000 }
        bench.kafka.setUp()
        try await bench.waitUntilPublished(6_000)
        try await expectCleanStop(producer)
        #expect(try bench.gaps().isEmpty)
    }
}
