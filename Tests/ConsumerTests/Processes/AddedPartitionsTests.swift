import Foundation
import TestSupport
import Testing

@Suite("Partitions that are added to the topic")
struct AddedPartitionsTests {
    @Test(
        "Consumers that run read them from their beginning, and the others on", .timeLimit(.minutes(5)),
        arguments: [1, 2])
    func running(_ count: Int) async throws {
        let kafka = try MemoryKafka(topics: [ConsumerBench.topic: 2])
        let bench = try await ConsumerBench(partitions: 1)
        let consumers = try (0..<count).map { _ in
            try bench.startConsumer([
                "KAFKA_SERVERS": kafka.servers, "KAFKA_TOPIC_METADATA_REFRESH_INTERVAL_MS": "100",
            ])
        }
        try bench.write(0..<300, by: writer(to: kafka))
        try await bench.waitUntilWritten(300)
        kafka.addPartitions(to: ConsumerBench.topic, count: 6)
        // There before any consumer knows of them, and more while they are read.
        try bench.write(300..<600, by: writer(to: kafka))
        try await bench.waitUntilWritten(600)
        try bench.write(600..<1_000, by: writer(to: kafka))
        try await bench.waitUntilWritten(1_000)
        try await bench.expectEveryFrameOnce(1_000)
        let offsets = try await bench.database.rows(
            "SELECT partition, next_offset FROM kafka_offsets WHERE topic = $1 ORDER BY partition",
            [ConsumerBench.topic])
        #expect(offsets.map { $0[0] } == (0..<6).map { "\($0)" })
        #expect(offsets.allSatisfy { $0[1] != "0" }, "each has had records: \(offsets)")
        for consumer in consumers { try await expectCleanStop(consumer) }
    }

    /// Another one for each part, since a client goes by the number of partitions that it was told.
    private func writer(to kafka: MemoryKafka) throws -> TopicWriter {
        try TopicWriter(ConsumerBench.topic, servers: kafka.servers)
    }

    @Test("A partition that is new is read from its beginning, the others where they were", .timeLimit(.minutes(5)))
    func newPartition() async throws {
        let bench = try await ConsumerBench(partitions: 3)
        try bench.write(0..<300)
        let first = try bench.startConsumer()
        try await bench.waitUntilWritten(300)
        try await expectCleanStop(first)
        let before = try await bench.database.rows(
            "SELECT next_offset FROM kafka_offsets WHERE topic = 'upbit_ticker' AND partition = 2")
        try await bench.database.execute(
            "DELETE FROM kafka_offsets WHERE topic = 'upbit_ticker' AND partition = 2; TRUNCATE trade_data")
        let second = try bench.startConsumer(["KAFKA_GROUP_ID": "second"])
        try await bench.waitUntilWritten(300)
        #expect(try await bench.database.rows("SELECT count(*) FROM trade_data") == before)
        try await expectCleanStop(second)
    }
}
