import TestSupport
import Testing

@testable import Consumer

@Suite("The consumer's admin port")
struct ConsumerAdminTests {
    @Test("It counts what becomes of the records, in numbers that Prometheus takes", .timeLimit(.minutes(2)))
    func metrics() async throws {
        let bench = try await ConsumerBench(partitions: 2)
        let port = try AdminPort()
        let consumer = try bench.startConsumer(port.settings)
        try bench.write(0..<500, from: "host-1")
        try bench.write(490..<500, from: "host-1")
        try bench.writer.write(key: "KRW-BTC", value: Array("no JSON".utf8))
        try bench.writer.write(key: "KRW-BTC", value: Array("{}".utf8))
        try bench.writer.flush()
        try await bench.waitUntilWritten(512)
        // COMMIT is counted a moment after others can see what it did.
        try await port.wait(for: "ticker_consumer_rows_written_total") { $0 == 500 }
        try await port.wait(for: "ticker_consumer_repeats_dropped_total") { $0 == 10 }
        try await port.wait(for: #"ticker_consumer_dead_letters_total{reason="missing_field"}"#) { $0 == 1 }
        try await port.wait(for: #"ticker_consumer_lag_records{partition="1"}"#) { $0 == 0 }
        let metrics = try await port.metrics()
        #expect(metrics["ticker_consumer_records_read_total"] == 512)
        #expect(metrics[#"ticker_consumer_dead_letters_total{reason="not_json"}"#] == 1)
        #expect(metrics[#"ticker_consumer_dead_letters_total{reason="no_value"}"#] == 0)
        let batches = try #require(metrics["ticker_consumer_batches_committed_total"])
        #expect(batches >= 1 && batches <= 512)
        #expect(metrics["ticker_consumer_batch_rows_sum"] == 500)
        #expect(metrics["ticker_consumer_batch_rows_count"] == batches)
        #expect(metrics[#"ticker_consumer_batch_duration_seconds_bucket{le="+Inf"}"#] == batches)
        #expect(metrics["ticker_consumer_batches_failed_total"] == 0)
        #expect(metrics["ticker_consumer_assigned_partitions"] == 2)
        let offsets = ["0", "1"].map { metrics[#"ticker_consumer_next_offset{partition="\#($0)"}"#] ?? -1 }
        #expect(offsets.reduce(0, +) == 512)
        #expect(metrics[#"ticker_consumer_lag_seconds{partition="0"}"#] == 0)
        let now = try #require(Double(try await bench.database.rows("SELECT extract(epoch FROM now())")[0][0] ?? ""))
        let commit = try #require(metrics["ticker_consumer_last_commit_timestamp_seconds"])
        #expect(commit <= now + 1 && commit > now - 120)
        try await PrometheusBinaries.check(metrics: try await port.ask("/metrics").body)
        let prometheus = try PrometheusServer(scraping: ["consumer": port.port])
        try await prometheus.wait(for: #"ticker_consumer_rows_written_total{job="consumer"}"#) { $0 == 500 }
        try await prometheus.stop()
        try await expectCleanStop(consumer)
    }

    @Test(
        "While the database is away it is not ready, and its lag grows in records and in time", .timeLimit(.minutes(3)))
    func databaseAway() async throws {
        let bench = try await ConsumerBench(partitions: 1)
        let port = try AdminPort()
        let proxy = try await bench.startProxy()
        let consumer = try bench.startConsumer(
            port.settings.merging(["TIMESCALEDB_PASSWORD": "not-to-be-told"]) { $1 }, through: proxy)
        try bench.write(0..<10)
        try await bench.waitUntilWritten(10)
        try await port.waitUntilReady(200)
        try await proxy.setRefusing(true)
        try await proxy.cut(.reset)
        try bench.write(10..<40)
        try await port.waitUntilReady(503, "the database is away")
        #expect(try await port.ask("/healthz").status == 200)
        for path in ["/metrics", "/readyz", "/healthz", "/not-to-find"] {
            #expect(try await !port.ask(path).body.contains("not-to-be-told"))
        }
        try await port.wait(for: #"ticker_consumer_lag_records{partition="0"}"#) { $0 > 0 }
        // These records say no time of their own but the trade's, long ago.
        try await port.wait(for: #"ticker_consumer_lag_seconds{partition="0"}"#) { $0 > 60 }
        #expect(try await port.metrics()[#"ticker_consumer_next_offset{partition="0"}"#] == 10)
        #expect(try #require(try await port.metrics()["ticker_consumer_batches_failed_total"]) > 0)
        try await proxy.setRefusing(false)
        try await port.waitUntilReady(200)
        try await port.wait(for: #"ticker_consumer_next_offset{partition="0"}"#) { $0 == 40 }
        try await port.wait(for: #"ticker_consumer_lag_seconds{partition="0"}"#) { $0 == 0 }
        try await expectCleanStop(consumer)
        await proxy.stop()
    }

    @Test("A partition that another consumer got is in its numbers no more", .timeLimit(.minutes(3)))
    func revoked() async throws {
        let bench = try await ConsumerBench(partitions: 2)
        let port = try AdminPort()
        let first = try bench.startConsumer(port.settings)
        try bench.write(0..<100)
        try await bench.waitUntilWritten(100)
        let second = try bench.startConsumer()
        // Its share is there when it is told, and not before.
        try await port.wait(for: "ticker_consumer_assigned_partitions") { $0 == 1 }
        let offsets = try await port.metrics().keys.filter { $0.hasPrefix("ticker_consumer_next_offset") }
        #expect(offsets.count <= 1, "\(offsets)")
        try await expectCleanStop(first)
        try await expectCleanStop(second)
    }

    @Test("While Kafka is away it is not ready, and healthy all the same", .timeLimit(.minutes(3)))
    func kafkaAway() async throws {
        let bench = try await ConsumerBench(partitions: 1)
        let port = try AdminPort()
        let consumer = try bench.startConsumer(port.settings)
        try await port.waitUntilReady(200)
        bench.kafka.setDown()
        try await port.waitUntilReady(503)
        #expect(try await port.ask("/healthz").status == 200)
        bench.kafka.setUp()
        try await port.waitUntilReady(200)
        try bench.write(0..<10)
        try await bench.waitUntilWritten(10)
        try await expectCleanStop(consumer)
    }
}
