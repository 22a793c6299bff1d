import Glibc
import TestSupport
import Testing

@Suite("The producer's process")
struct ProducerProcessTests {
    @Test("Every frame becomes one record: its bytes, key, time and headers", .timeLimit(.minutes(5)))
    func contract() async throws {
        let session = Session.seeded(frameCount: 3_000)
        // Frames in pieces, as text, and large ones are frames like any other.
        let bench = try await ProducerBench(
            session: session,
            playback: Playback(
                .unlimited,
                faults: [10: [.fragment(pieces: 7)], 20: [.textFrame], 30: [.pad(bytes: 500_000)], 40: [.status]]))
        let producer = try bench.startProducer()
        try await bench.waitUntilPublished(3_000)
        try await expectCleanStop(producer)

        let records = try bench.records().sorted { $0.sequence < $1.sequence }
        #expect(records.count == 3_000)
        for (record, frame) in zip(records, session.frames()) {
            #expect(record.key == Array(frame.code.utf8))
            #expect(record.timestampMilliseconds == frame.trade.timestamp)
            #expect(record.headers["producer"] == records[0].headers["producer"])
            if record.value != frame.bytes { #expect((record.value?.count ?? 0) >= 500_000) }
        }
        #expect(records.map(\.sequence) == Array(1...3_000))
        #expect(try #require(records[0].headers["producer"]).wholeMatch(of: /bench-[0-9a-f]{16}/) != nil)
        let received = records.compactMap { $0.headers["received"].flatMap(Int.init) }
        #expect(received.count == 3_000 && received.allSatisfy { $0 > 1_700_000_000_000_000 })
    }

    @Test("It subscribes in real time without Origin, to the markets that the patterns choose", .timeLimit(.minutes(5)))
    func subscription() async throws {
        let session = Session.seeded(SeededSettings(frameCount: 100).with { $0.bitcoinMarketCount = 3 })
        let bench = try await ProducerBench(session: session)
        let producer = try bench.startProducer(["UPBIT_MARKETS": "BTC-*", "UPBIT_PING_SECONDS": "1"])
        let seen = try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        #expect(seen.subscriptions[0].codes == session.markets.map(\.code).filter { $0.hasPrefix("BTC-") })
        #expect(seen.subscriptions[0].isOnlyRealtime && !seen.subscriptions[0].isOnlySnapshot)
        #expect(!seen.connections[0].headers.contains { $0.name.lowercased() == "origin" })
        try await bench.exchange.observed.wait { $0.pingCount > 0 }
        try await expectCleanStop(producer)
    }

    @Test("UP and errors are no records; errors are logged in the exchange's words", .timeLimit(.minutes(5)))
    func statusAndError() async throws {
        let bench = try await ProducerBench(session: .seeded(frameCount: 10))
        let producer = try bench.startProducer()
        try await bench.exchange.finished()
        try await bench.exchange.inject(.status, .error(name: "WRONG_FORMAT", message: "the words of the exchange"))
        let line = try await producer.errorLine(containing: "WRONG_FORMAT", within: .seconds(60))
        #expect(line.contains("the words of the exchange") && line.contains(" error "))
        try await bench.waitUntilPublished(10)
        try await expectCleanStop(producer)
        #expect(try bench.records().count == 10)
    }

    @Test("Frames that are broken become records all the same", .timeLimit(.minutes(5)))
    func brokenFrames() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 10),
            playback: Playback(.unlimited, faults: [5: [.invalidUTF8, .truncatedJSON, .frame(Array("[1]".utf8))]]))
        let producer = try bench.startProducer()
        try await bench.waitUntilPublished(13)
        try await expectCleanStop(producer)
        let records = try bench.records()
        #expect(records.count == 13)
        #expect(records.contains { $0.value == Array("[1]".utf8) && $0.key == nil })
    }

    @Test("A trade that is yet to happen is recorded under its arrival, as brokers demand", .timeLimit(.minutes(5)))
    func futureTrade() async throws {
        let frame = #"{"code":"KRW-BTC","trade_price":1,"trade_volume":1,"trade_timestamp":4102444799999}"#
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 10), playback: Playback(.unlimited, faults: [5: [.frame(Array(frame.utf8))]]))
        let producer = try bench.startProducer()
        try await bench.waitUntilPublished(11)
        try await expectCleanStop(producer)
        let record = try #require(try bench.records().first { $0.value == Array(frame.utf8) })
        let received = try #require(record.headers["received"].flatMap(Int64.init))
        #expect(record.timestampMilliseconds == received / 1_000)
    }

    @Test("A frame beyond the limit ends the connection, and the next one begins", .timeLimit(.minutes(5)))
    func largeFrame() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 10), playback: Playback(.unlimited, faults: [5: [.pad(bytes: 2_000_000)]]))
        let producer = try bench.startProducer()
        try await bench.exchange.observed.wait(within: .seconds(60)) { $0.subscriptions.count == 2 }
        try await producer.errorLine(containing: "messageTooLarge", within: .seconds(60))
        try await expectCleanStop(producer)
    }

    @Test("A frame of 2 MB passes when the limit allows it", .timeLimit(.minutes(5)))
    func largeFrameAllowed() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 10), playback: Playback(.unlimited, faults: [5: [.pad(bytes: 2_000_000)]]))
        let producer = try bench.startProducer(["UPBIT_MAX_FRAME_BYTES": "4MiB"])
        try await bench.waitUntilPublished(10)
        try await expectCleanStop(producer)
        let records = try bench.records()
        #expect(records.count == 10 && records.contains { ($0.value?.count ?? 0) >= 2_000_000 })
    }

    @Test(
        "However a connection ends, it comes back, subscribes again and keeps the interval",
        .timeLimit(.minutes(5)),
        arguments: [
            ExchangeFault.reset, .hangUp, .close(code: 1000), .stall(answeringPings: true),
            .stall(answeringPings: false),
            .wireBytes([0xFF, 0xFF, 0xFF, 0xFF]),
        ])
    func reconnects(_ fault: ExchangeFault) async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 2_000), playback: Playback(.framesPerSecond(500), absence: .waits))
        let start = ContinuousClock.now
        let producer = try bench.startProducer(["UPBIT_STALL_TIMEOUT": "1s"])
        try await bench.exchange.observed.wait { $0.playback.playedCount > 100 }
        try await bench.exchange.inject(fault)
        let seen = try await bench.exchange.observed.wait(within: .seconds(60)) { $0.subscriptions.count >= 2 }
        // The first attempt was made after that; how late it was seen here says nothing.
        #expect(seen.connections[1].openedAt - start >= .seconds(1))
        #expect(seen.subscriptions[1].codes == seen.subscriptions[0].codes)
        try await expectCleanStop(producer)
    }

    @Test(
        "An exchange that is away is tried again until it is back",
        .timeLimit(.minutes(5)),
        arguments: [
            (ExchangeDoor.refusing, "no market list"), (.silentHTTP, "no market list"),
            (.status(503), "cannot connect"),
        ])
    func away(_ door: ExchangeDoor, _ message: String) async throws {
        let bench = try await ProducerBench(session: .seeded(frameCount: 10))
        try await bench.exchange.setDoor(door)
        let producer = try bench.startProducer()
        try await producer.errorLine(containing: message, within: .seconds(60))
        try await bench.exchange.setDoor(.open)
        try await bench.waitUntilPublished(10)
        try await expectCleanStop(producer)
        #expect(try bench.records().count == 10)
    }

    @Test("A market list that cannot be had keeps nobody from recording markets by name", .timeLimit(.minutes(5)))
    func noMarketList() async throws {
        let session = Session.seeded(frameCount: 100)
        let bench = try await ProducerBench(session: session)
        try await bench.exchange.failRest(.garbage)
        let code = session.markets[0].code
        let producer = try bench.startProducer(["UPBIT_MARKETS": code])
        let seen = try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        #expect(seen.subscriptions[0].codes == [code])
        try await expectCleanStop(producer)
    }

    @Test(
        "A certificate that is not right is refused and said", .timeLimit(.minutes(5)),
        arguments: TestAuthority.Flaw.allCases)
    func certificates(_ flaw: TestAuthority.Flaw) async throws {
        let bench = try await ProducerBench(certificate: { try $0.server(with: flaw) })
        let producer = try bench.startProducer(["UPBIT_MARKETS": "KRW-BTC"])
        try await producer.errorLine(containing: "cannot connect", within: .seconds(60))
        #expect(bench.exchange.observed.value.connections.isEmpty && bench.exchange.observed.value.requests.isEmpty)
        try await expectCleanStop(producer)
    }

    @Test(
        "A reconnect does not wait for the market list, which is looked at while frames come", .timeLimit(.minutes(5)))
    func reconnectWithoutList() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 5_000), playback: Playback(.framesPerSecond(500), absence: .waits))
        let producer = try bench.startProducer(["UPBIT_MARKETS_REFRESH": "1h"])
        try await bench.exchange.observed.wait { $0.playback.playedCount > 100 }
        try await bench.exchange.failRest(.hang)
        try await bench.exchange.inject(.reset)
        let seen = try await bench.exchange.observed.wait(within: .seconds(60)) { $0.subscriptions.count >= 2 }
        #expect(seen.requests.count == 1)
        try await expectCleanStop(producer)
    }

    @Test("SIGTERM at full load: what was read is in Kafka or in the spool", .timeLimit(.minutes(5)))
    func stopAtFullLoad() async throws {
        // No more than the mock cluster keeps, however late the stop comes.
        let bench = try await ProducerBench(session: .seeded(frameCount: 40_000), playback: Playback(absence: .waits))
        let first = try bench.startProducer()
        try await bench.exchange.observed.wait { $0.playback.playedCount > 2_000 }
        try await bench.waitUntilPublished(1)
        try await expectCleanStop(first)
        let line = try await first.errorLine(containing: "stopped", within: .seconds(60))
        let counts = try #require(line.firstMatch(of: /frames.delivered=(\d+) .*frames.spooled=(\d+)/))
        let (delivered, spooled) = (try #require(UInt64(counts.1)), try #require(UInt64(counts.2)))
        #expect(Set(try bench.records().map(\.sequence)).count >= delivered)
        let second = try bench.startProducer()
        // Its ticket tells how many frames the first one had.
        let seen = try await bench.exchange.observed.wait { $0.subscriptions.count == 2 }
        let read = try #require(seen.subscriptions[1].nextSequence) - 1
        #expect(read >= 1 && delivered + spooled >= read)
        try await bench.waitUntilPublished(through: read)
        try await expectCleanStop(second)
    }

    @Test("A second SIGTERM ends it at once, and the next one sends what was on its way", .timeLimit(.minutes(5)))
    func secondSignal() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 100_000), playback: Playback(.framesPerSecond(2_000)))
        let impatient = try bench.startProducer()
        try await bench.waitUntilPublished(100)
        bench.kafka.setDown()
        let played = bench.exchange.observed.value.playback.playedCount
        try await bench.exchange.observed.wait { $0.playback.playedCount > played + 500 }
        impatient.send(SIGTERM)
        try await impatient.errorLine(containing: "stopping", within: .seconds(60))
        impatient.send(SIGTERM)
        #expect(try await impatient.exitStatus(within: .seconds(60)) == .signal(SIGTERM))
        bench.kafka.setUp()
        let next = try bench.startProducer()
        // Its ticket tells how many frames the first one had.
        let seen = try await bench.exchange.observed.wait { $0.subscriptions.count == 2 }
        try await bench.waitUntilPublished(through: try #require(seen.subscriptions[1].nextSequence) - 1)
        try await expectCleanStop(next)
    }

}

extension SeededSettings {
    func with(_ change: (inout SeededSettings) -> Void) -> SeededSettings {
        var copy = self
        change(&copy)
        return copy
    }
}
