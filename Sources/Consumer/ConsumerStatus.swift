import Kafka
import Runtime
import Synchronization

/// What others may see of the consumer's loop: the loop's thread writes it, the admin port's reads it.
final class ConsumerStatus: Sendable {
    private struct State {
        var lag = Lag()
        var assignedCount = 0
        var isFetching = false
        var isDatabaseAway = false
        var isKafkaAway = false
    }

    private let topic: String
    private let state = Mutex(State())
    private let endOffset: @Sendable (TopicPartition) -> Int64?

    /// - Parameter endOffset: where a partition ends, as far as that is known without asking.
    init(topic: String, endOffset: @escaping @Sendable (TopicPartition) -> Int64?) {
        self.topic = topic
        self.endOffset = endOffset
    }

    // MARK: - For the loop

    /// These partitions, and no others, are this consumer's from now on.
    func assigned(_ partitions: [TopicPartition]) {
        state.withLock { state in
            state.lag.removeAll()
            state.assignedCount = partitions.count { $0.topic == topic }
            state.isKafkaAway = false
        }
    }

    func update(_ positions: [Position], isFetching: Bool, isDatabaseAway: Bool) {
        state.withLock { state in
            state.isFetching = isFetching
            state.isDatabaseAway = isDatabaseAway
            for position in positions where position.partition.topic == topic {
                guard let nextOffset = position.stored else { continue }
                state.lag.update(
                    position.partition.partition, nextOffset: nextOffset,
                    oldestMicroseconds: position.oldestMicroseconds)
            }
        }
    }

    /// Brokers were asked for the ends of the partitions.
    func asked(isAnswered: Bool) { state.withLock { $0.isKafkaAway = !isAnswered } }

    // MARK: - For whoever asks

    struct Partition: Equatable {
        let partition: Int32
        let nextOffset: Int64
        let lagRecords: Int
        fileprivate let oldestMicroseconds: UInt64?

        func lagMicroseconds(at now: UInt64) -> Int {
            guard lagRecords > 0, let oldestMicroseconds, oldestMicroseconds < now else { return 0 }
            return Int(clamping: now - oldestMicroseconds)
        }
    }

    var assignedCount: Int { state.withLock { $0.assignedCount } }

    /// By their numbers.
    var partitions: [Partition] {
        let entries = state.withLock { $0.lag.entries }
        return entries.sorted { $0.key < $1.key }.map { number, entry in
            let end = endOffset(TopicPartition(topic: topic, partition: number)) ?? 0
            // A record that was seen is there, whatever was told of the end.
            let least: Int64 = entry.oldestMicroseconds == nil ? 0 : 1
            return Partition(
                partition: number, nextOffset: entry.nextOffset, lagRecords: Int(max(least, end - entry.nextOffset)),
                oldestMicroseconds: entry.oldestMicroseconds)
        }
    }

    /// Why no data flow, a line each.
    var obstacles: [String] {
        let state = state.withLock { ($0.assignedCount, $0.isFetching, $0.isDatabaseAway, $0.isKafkaAway) }
        let (assignedCount, isFetching, isDatabaseAway, isKafkaAway) = state
        var lines: [String] = []
        if assignedCount == 0 { lines.append("the group has given this consumer no partition") }
        if isDatabaseAway { lines.append("the database is away") }
        if isKafkaAway { lines.append("Kafka does not say where the partitions end") }
        if lines.isEmpty, !isFetching { lines.append("reading has not begun") }
        return lines
    }
}
