import Kafka
import Runtime
import TestSupport
import Testing

@Suite("A producer's topic", .timeLimit(.minutes(5)))
struct TopicTests {
    @Test(
        "A key belongs to the partition that librdkafka itself would choose",
        arguments: [Partitioner.consistentRandom, .consistent, .murmur2, .murmur2Random, .fnv1a, .fnv1aRandom])
    func partitioners(_ partitioner: Partitioner) async throws {
        try await blocking {
            let cluster = try MockCluster()
            try cluster.createTopic("t", partitions: 7)
            let writer = try TopicWriter(
                "t", servers: cluster.bootstrapServers, properties: [("partitioner", partitioner.rawValue)])
            for index in 0..<100 { try writer.write(key: "KRW-\(index)", value: nil) }
            try writer.flush()
            for record in try TopicReader.records("t", partitions: 7, servers: cluster.bootstrapServers) {
                let chosen = record.key?.withUnsafeBytes { partitioner.partition(of: $0, among: 7) }
                #expect(chosen == record.partition)
            }
        }
    }

    @Test("Without a key the choice is always the same", arguments: [Partitioner.consistentRandom, .murmur2, .fnv1a])
    func noKey(_ partitioner: Partitioner) {
        let choices = Set((0..<20).map { _ in partitioner.partition(of: nil, among: 7) })
        #expect(choices.count == 1 && choices.allSatisfy { (0..<7).contains($0) })
    }

    @Test("A record goes to the partition that it names")
    func partition() async throws {
        try await blocking {
            let cluster = try MockCluster()
            try cluster.createTopic("t", partitions: 5)
            let producer = try KafkaProducer(topic: "t", properties: [("bootstrap.servers", cluster.bootstrapServers)])
            let value = Array("v".utf8)
            let outcome = value.withUnsafeBytes { bytes in
                Result { () throws(KafkaError) in
                    try producer.produce(.init(partition: 3, key: nil, value: bytes, timestampMilliseconds: 1), tag: 1)
                }
            }
            try outcome.get()
            while !producer.poll(timeoutMilliseconds: 10_000, { _ in }) || producer.queueLength > 0 {}
            let records = try TopicReader.records("t", partitions: 5, servers: cluster.bootstrapServers)
            #expect(records.map(\.partition) == [3])
        }
    }

    @Test("How many partitions a topic has is asked of a broker, and unknown while none answers")
    func state() async throws {
        try await blocking {
            let cluster = try MockCluster()
            try cluster.createTopic("t", partitions: 5)
            let producer = try KafkaProducer(topic: "t", properties: [("bootstrap.servers", cluster.bootstrapServers)])
            #expect(producer.topicState(timeoutMilliseconds: 10_000) == .partitions(5))
            cluster.setDown()
            #expect(producer.topicState(timeoutMilliseconds: 200) == .unknown)
        }
    }
}
