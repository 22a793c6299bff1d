import Kafka
import Runtime
import TestSupport
import Testing

@testable import Consumer

@Suite("The ends of the partitions", .timeLimit(.minutes(1)))
struct EndOffsetsTests {
    /// What is learned of a partition of a topic with two, when the database has rows of `known`.
    private func end(known: Int) async throws -> PartitionEnd {
        let cluster = try MockCluster()
        try cluster.createTopic("t", partitions: 2)
        let consumer = try KafkaConsumer(
            group: "g", properties: [("bootstrap.servers", cluster.bootstrapServers)])
        let partition = TopicPartition(topic: "t", partition: 1)
        try consumer.assign([(partition, .beginning)])
        let ends = EndOffsets(consumer)
        ends.ask([Position(partition)], Settlement(topic: "t", microseconds: 17, knownPartitions: known))
        return try await DedicatedThread(name: "ends").run {
            let deadline = ContinuousClock.now + .seconds(30)
            while ContinuousClock.now < deadline {
                if let end = ends.takeAnswer()?[partition] { return end }
                // The answer wakes it.
                consumer.poll(timeoutMilliseconds: 1_000) { _ in }
            }
            throw SetupError("no answer")
        }
    }

    @Test("What producers said counts when the database has a row of every partition")
    func known() async throws {
        let end = try await end(known: 2)
        #expect(end.offset == 0 && end.settledMicroseconds == 17)
    }

    @Test("It does not count while one has none, which nobody could see; that the end was reached does")
    func unknown() async throws {
        let end = try await end(known: 1)
        #expect(end.offset == 0 && end.askedAtMicroseconds > 0 && end.settledMicroseconds == nil)
    }
}
