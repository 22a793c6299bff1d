import Glibc
import TestSupport
import Testing

@Suite("The producer's admin port")
struct ProducerAdminTests {
    @Test("It counts what is received and delivered, in numbers that Prometheus takes", .timeLimit(.minutes(2)))
    func metrics() async throws {
        let session = Session.seeded(frameCount: 2_000)
        let bench = try await ProducerBench(session: session)
        let port = try AdminPort()
        let producer = try bench.startProducer(port.settings)
        try await port.wait(for: "ticker_producer_frames_delivered_total") { $0 == 2_000 }
        let metrics = try await port.metrics()
        #expect(metrics["ticker_producer_frames_received_total"] == 2_000)
        let bytes = session.frames().reduce(0) { $0 + $1.bytes.count }
        #expect(metrics["ticker_producer_received_bytes_total"] == Double(bytes))
        #expect(metrics["ticker_producer_connected"] == 1)
        #expect(metrics["ticker_producer_frames_lost_total"] == 0)
        let records = try bench.records()
        let last = records.compactMap { $0.headers["received"].flatMap(Double.init) }.max()
        let lastFrame = try #require(metrics["ticker_producer_last_frame_timestamp_seconds"])
        #expect(abs(lastFrame - (last ?? 0) / 1e6) < 0.001)
        #expect(try #require(metrics["ticker_producer_spool_bytes"]) > 0)
        #expect(metrics["ticker_producer_spool_limit_bytes"] == Double(4 << 30))
        // The reports are taken one after the other: the sum is told after the last of them.
        try await port.wait(for: "ticker_producer_spool_waiting_frames") { $0 == 0 }
        try await port.wait(for: "ticker_producer_queue_records") { $0 == 0 }
        try await PrometheusBinaries.check(metrics: try await port.ask("/metrics").body)
        try await expectCleanStop(producer)
    }

    @Test("A connection that is lost is counted with its reason, and so is the gap", .timeLimit(.minutes(2)))
    func reconnects() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 1_000_000), playback: Playback(.framesPerSecond(200)))
        let port = try AdminPort()
        let producer = try bench.startProducer(port.settings)
        try await port.wait(for: "ticker_producer_frames_received_total") { $0 > 0 }
        try await bench.exchange.inject(.reset)
        try await port.wait(for: #"ticker_producer_gaps_total{reason="disconnect"}"#) { $0 == 1 }
        let metrics = try await port.metrics()
        #expect(metrics[#"ticker_producer_reconnects_total{reason="lost"}"#] == 1)
        #expect(metrics[#"ticker_producer_gaps_total{reason="stall"}"#] == 0)
        let seconds = try #require(metrics[#"ticker_producer_gap_seconds_total{reason="disconnect"}"#])
        #expect(seconds > 0 && seconds < 60)
        try await expectCleanStop(producer)
    }

    @Test("It is ready while the exchange is connected and Kafka takes its frames", .timeLimit(.minutes(3)))
    func readiness() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 1_000_000), playback: Playback(.framesPerSecond(100)))
        let port = try AdminPort()
        let producer = try bench.startProducer(port.settings)
        try await port.waitUntilReady(200)
        bench.kafka.setDown()
        try await port.waitUntilReady(503, "frames wait, and Kafka takes none")
        #expect(try await port.ask("/healthz").status == 200)
        let waiting = try #require(try await port.metrics()["ticker_producer_spool_waiting_frames"])
        #expect(waiting > 0)
        bench.kafka.setUp()
        try await port.waitUntilReady(200)
        try await bench.exchange.setDoor(.refusing)
        try await bench.exchange.inject(.reset)
        try await port.waitUntilReady(503, "there is no connection to the exchange")
        #expect(try await port.ask("/healthz").status == 200)
        try await bench.exchange.setDoor(.open)
        try await port.waitUntilReady(200)
        try await expectCleanStop(producer)
    }

    @Test("A real Prometheus scrapes it, and sees its counters rise", .timeLimit(.minutes(3)))
    func prometheus() async throws {
        let bench = try await ProducerBench(
            session: .seeded(frameCount: 1_000_000), playback: Playback(.framesPerSecond(200)))
        let port = try AdminPort()
        let producer = try bench.startProducer(port.settings)
        let prometheus = try PrometheusServer(scraping: ["producer": port.port])
        try await prometheus.wait(for: #"up{job="producer"}"#) { $0 == 1 }
        try await prometheus.wait(for: "rate(ticker_producer_frames_delivered_total[30s])") { $0 > 0 }
        try await prometheus.wait(for: #"ticker_build_info{service="producer"}"#) { $0 == 1 }
        try await expectCleanStop(producer)
        try await prometheus.wait(for: #"up{job="producer"}"#) { $0 == 0 }
        try await prometheus.stop()
    }

    @Test("A port that is asked for and taken ends the start with 69; a default one does not", .timeLimit(.minutes(1)))
    func takenPort() async throws {
        let bench = try await ProducerBench(session: .seeded(frameCount: 10))
        let port = try AdminPort()
        let first = try bench.startProducer(port.settings)
        try await first.errorLine(
            containing: "admin port admin.url=http://127.0.0.1:\(port.port)", within: .seconds(30))
        let second = try bench.startProducer(
            port.settings.merging(["SPOOL_DIRECTORY": "\(bench.folder)/other"]) { $1 })
        try await second.errorLine(
            containing: "error: ADMIN_PORT: cannot listen on 127.0.0.1:\(port.port): Address already in use",
            within: .seconds(30))
        #expect(try await second.exitStatus(within: .seconds(30)) == .code(69))
        try await expectCleanStop(first)
    }
}
