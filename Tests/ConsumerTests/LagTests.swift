import Kafka
import Testing

@testable import Consumer

@Suite("The lag of a partition")
struct LagTests {
    private func status(end: Int64?) -> ConsumerStatus {
        ConsumerStatus(topic: "ticks") { $0.partition == 3 ? end : nil }
    }

    private func position(_ topic: String = "ticks", stored: Int64, oldest: UInt64? = nil) -> Position {
        var position = Position(
            TopicPartition(topic: topic, partition: 3),
            stored: StoredPosition(nextOffset: stored, producers: ProducerSequences()))
        if let oldest {
            position.begins(at: oldest)
            _ = position.pass(stored)
        }
        return position
    }

    @Test("is what is known of the partition's end, less what the database has")
    func records() {
        let status = status(end: 25)
        status.update([position(stored: 20)], isFetching: true, isDatabaseAway: false)
        #expect(status.partitions.map(\.lagRecords) == [5])
        #expect(status.partitions[0].nextOffset == 20)
    }

    @Test("is no less than what was seen, whatever was told of the end", arguments: [nil, 0, 20])
    func stale(end: Int64?) {
        let status = status(end: end)
        status.update([position(stored: 20, oldest: 7)], isFetching: true, isDatabaseAway: false)
        #expect(status.partitions.map(\.lagRecords) == [1])
    }

    @Test("in time is the age of the oldest record that the database lacks")
    func time() {
        let status = status(end: 25)
        status.update([position(stored: 20, oldest: 1_000)], isFetching: true, isDatabaseAway: false)
        #expect(status.partitions[0].lagMicroseconds(at: 4_000) == 3_000)
        #expect(status.partitions[0].lagMicroseconds(at: 500) == 0)
        // The batch failed and was forgotten: the record is still not in the database.
        status.update([], isFetching: false, isDatabaseAway: true)
        status.update([position(stored: 20)], isFetching: true, isDatabaseAway: false)
        #expect(status.partitions[0].lagMicroseconds(at: 9_000) == 8_000)
        // It is read again, behind others of the same batch or not.
        status.update([position(stored: 20, oldest: 2_000)], isFetching: true, isDatabaseAway: false)
        #expect(status.partitions[0].lagMicroseconds(at: 9_000) == 8_000)
        status.update([position(stored: 25)], isFetching: true, isDatabaseAway: false)
        #expect(status.partitions[0].lagMicroseconds(at: 9_000) == 0)
    }

    @Test("is told of the ticks' partitions that are this consumer's, and of no others")
    func others() {
        let status = status(end: 25)
        status.assigned([TopicPartition(topic: "ticks", partition: 3), TopicPartition(topic: "gaps", partition: 3)])
        #expect(status.assignedCount == 1)
        status.update([position("gaps", stored: 20)], isFetching: true, isDatabaseAway: false)
        #expect(status.partitions == [])
        status.update([position(stored: 20)], isFetching: true, isDatabaseAway: false)
        #expect(status.partitions.count == 1)
        status.assigned([])
        #expect(status.partitions == [] && status.assignedCount == 0)
    }

    @Test("What keeps data from flowing is told")
    func obstacles() {
        let status = status(end: nil)
        #expect(status.obstacles == ["the group has given this consumer no partition"])
        status.assigned([TopicPartition(topic: "ticks", partition: 3)])
        #expect(status.obstacles == ["reading has not begun"])
        status.update([position(stored: 1)], isFetching: true, isDatabaseAway: false)
        #expect(status.obstacles == [])
        status.asked(isAnswered: false)
        status.update([], isFetching: false, isDatabaseAway: true)
        #expect(status.obstacles == ["the database is away", "Kafka does not say where the partitions end"])
    }
}
