import Foundation
import TestSupport
import Testing

@Suite("A batch of records that was damaged on a broker's disk", .timeLimit(.minutes(5)))
struct DamagedRecordsTests {
    /// librdkafka 2.0.2 sometimes ends the process after a wrong checksum, where it should tell and no more.
    @Test("Digits that changed do not become a row")
    func changedDigits() async throws {
        let bench = try await ConsumerBench(partitions: 1)
        let kafka = try DamagedKafka(batches: 3)
        defer { kafka.stop() }
        kafka.broker.damage(ConsumerBench.topic, batch: 1) { bytes in
            guard let price = bytes.firstRange(of: Array("1.50".utf8)) else { return }
            bytes[price.lowerBound] = UInt8(ascii: "7")
        }
        let consumer = try bench.startConsumer(["KAFKA_SERVERS": kafka.servers])
        let exit = try await consumer.exitStatus(within: .seconds(30))
        #expect([.signal(SIGABRT), .code(70)].contains(exit))
        let rows = try await bench.database.rows("SELECT count(*) FROM trade_data WHERE trade_price <> 0.5")
        #expect(rows == [["0"]])
        let passed = try await bench.database.rows(
            "SELECT next_offset > 1 FROM kafka_offsets WHERE topic LIKE '%ticker'")
        #expect(passed == [["f"]])
        try await bench.database.execute("UPDATE kafka_offsets SET next_offset = 2 WHERE topic = 'upbit_ticker'")
        // The broker waits for the one that ended, in its group.
        let next = try bench.startConsumer(["KAFKA_SERVERS": kafka.servers, "KAFKA_GROUP_ID": "next"])
        try await bench.waitUntilWritten(3)
        #expect(try await bench.database.rows("SELECT count(*) FROM trade_data WHERE trade_price = 2.5") == [["1"]])
        try await expectCleanStop(next)
    }

    @Test("One of a format that nobody knows is not passed over: the consumer writes what is before it, and ends")
    func unknownFormat() async throws {
        let bench = try await ConsumerBench(partitions: 1)
        let kafka = try DamagedKafka(batches: 3)
        defer { kafka.stop() }
        kafka.broker.damage(ConsumerBench.topic, batch: 1) { $0[DamagedKafka.formatPosition] = 9 }
        let consumer = try bench.startConsumer(["KAFKA_SERVERS": kafka.servers])
        #expect(try await consumer.exitStatus(within: .seconds(30)) == .code(70))
        try await consumer.errorLine(
            containing: "upbit_ticker/0: the records at offset 1 cannot be read", within: .seconds(60))
        #expect(try await bench.database.rows("SELECT trade_price FROM trade_data") == [["0.50"]])
        #expect(
            try await bench.database.rows("SELECT next_offset FROM kafka_offsets WHERE topic = 'upbit_ticker'") == [
                ["1"]
            ])
    }
}

/// A broker whose only partition of the ticks has a frame in each batch, not compressed.
private struct DamagedKafka {
    let broker: MemoryBroker
    let servers: String
    private let server: BrokerServer

    /// Where a batch of records says its format.
    static let formatPosition = 16

    init(batches: Int) throws {
        let server = try BrokerServer()
        let broker = MemoryBroker(port: server.port, keptBytes: 64 << 20)
        broker.createTopic(ConsumerBench.topic, partitions: 1)
        broker.createTopic(ConsumerBench.gaps, partitions: 1)
        Thread.detachNewThread { server.run(broker) }
        self.server = server
        self.broker = broker
        servers = "127.0.0.1:\(server.port)"
        let writer = try TopicWriter(
            ConsumerBench.topic, servers: servers, properties: [(name: "compression.type", value: "none")])
        for number in 0..<batches {
            try writer.write(key: "KRW-BTC", value: Array(ConsumerBench.frame(number).utf8))
            try writer.flush()
        }
    }

    func stop() { server.stop() }
}
