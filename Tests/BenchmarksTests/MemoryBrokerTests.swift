import Kafka
import TestSupport
import Testing

@testable import Benchmarks

@Suite("The benchmarks' broker, with librdkafka", .timeLimit(.minutes(5)))
struct MemoryBrokerTests {
    @Test("What was written is read, in order, with keys and headers; twice, and by a group")
    func records() async throws {
        let kafka = try await BenchmarkKafka()
        defer { kafka.stop() }
        let admin = try TopicAdmin(servers: kafka.servers)
        #expect(try admin.create("ticks", partitions: 3))
        #expect(try !admin.create("ticks", partitions: 3))
        #expect(try admin.partitions(of: "ticks") == 3)
        let writer = try TopicWriter("ticks", servers: kafka.servers)
        for number in 0..<5_000 {
            try writer.write(
                key: "KRW-\(number % 7)", value: Array("\(number)".utf8), headers: [("seq", "\(number)")])
        }
        try writer.flush()
        #expect(try TopicReader.lastOffsets("ticks", partitions: 3, servers: kafka.servers) == 5_000)
        let records = try TopicReader.records("ticks", partitions: 3, servers: kafka.servers)
        #expect(records.count == 5_000)
        #expect(records.allSatisfy { $0.headers["seq"] == $0.value.map { String(decoding: $0, as: UTF8.self) } })
        for partition in Int32(0)..<3 {
            let own = records.filter { $0.partition == partition }
            #expect(own.map(\.offset) == own.indices.map { Int64($0) })
            let numbers = own.compactMap { $0.headers["seq"].flatMap { Int($0) } }
            #expect(numbers == numbers.sorted())
        }
        #expect(try read(by: "group", kafka.servers) == 5_000)
        try admin.delete("ticks")
        #expect(try admin.create("ticks", partitions: 1))
    }

    @Test("A producer gets the topic that it asks for, with one partition")
    func requestedTopic() async throws {
        let kafka = try await BenchmarkKafka()
        defer { kafka.stop() }
        let producer = try KafkaProducer(topic: "gaps", properties: [("bootstrap.servers", kafka.servers)])
        #expect(producer.topicState(timeoutMilliseconds: 10_000) == .missing)
        producer.requestTopic()
        let deadline = ContinuousClock.now + .seconds(60)
        while producer.topicState(timeoutMilliseconds: 1_000) == .missing, .now < deadline {
            producer.poll(timeoutMilliseconds: 100) { _ in }
        }
        #expect(producer.topicState(timeoutMilliseconds: 10_000) == .partitions(1))
    }

    @Test("A topic that gets more partitions keeps its records, and takes others in the new ones")
    func addedPartitions() throws {
        let kafka = try MemoryKafka(topics: ["ticks": 2])
        let write = { (numbers: Range<Int>) in
            let writer = try TopicWriter("ticks", servers: kafka.servers)
            for number in numbers { try writer.write(key: "KRW-\(number)", value: Array("\(number)".utf8)) }
            try writer.flush()
        }
        try write(0..<100)
        kafka.addPartitions(to: "ticks", count: 6)
        #expect(try TopicAdmin(servers: kafka.servers).partitions(of: "ticks") == 6)
        #expect(try TopicReader.lastOffsets("ticks", partitions: 6, servers: kafka.servers) == 100)
        try write(100..<200)
        let records = try TopicReader.records("ticks", partitions: 6, servers: kafka.servers)
        #expect(Set(records.compactMap { $0.value.map { String(decoding: $0, as: UTF8.self) } }).count == 200)
        #expect(Set(records.map(\.partition)) == [0, 1, 2, 3, 4, 5])
    }

    private func read(by group: String, _ servers: String) throws -> Int {
        let consumer = try KafkaConsumer(group: group, properties: [("bootstrap.servers", servers)])
        try consumer.subscribe(to: ["ticks"])
        var count = 0
        let deadline = ContinuousClock.now + .seconds(60)
        while count < 5_000, .now < deadline {
            try consumer.poll(timeoutMilliseconds: 1_000) { event in
                switch event {
                case .assigned(let partitions): try consumer.assign(partitions.map { ($0, .beginning) })
                case .record: count += 1
                default: break
                }
            }
        }
        consumer.close()
        return count
    }
}
