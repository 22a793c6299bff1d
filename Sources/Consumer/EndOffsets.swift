import Kafka
import Runtime
import Synchronization

/// Until when producers said that all they received is in Kafka, and what the database has of their topic.
struct Settlement: Equatable {
    let topic: String
    /// Since 1970.
    let microseconds: UInt64
    /// Partitions with a row in `kafka_offsets`.
    let knownPartitions: Int
}

/// Asks now and then where the partitions end, on a thread of its own: a broker that is away lets the
/// question wait, and nothing else is to wait with it.
final class EndOffsets: Sendable {
    private enum State {
        case idle
        case asking
        case answered([TopicPartition: PartitionEnd])
    }

    private let consumer: KafkaConsumer
    private let thread = DedicatedThread(name: "end-offsets")
    private let state = Mutex(State.idle)

    /// A broker that takes longer is asked again the next time.
    private static let timeoutMilliseconds = 3_000

    init(_ consumer: KafkaConsumer) { self.consumer = consumer }

    /// True when the next question can be asked.
    var isIdle: Bool {
        state.withLock { state in if case .idle = state { true } else { false } }
    }

    /// Asks for the ends of `positions`, unless a question is on its way. The answer wakes the consumer's
    /// poll and waits in ``takeAnswer()``.
    ///
    /// - Parameter settlement: what the database said before. It does not count while the topic has partitions
    ///   without a row: whoever asks until when all is recorded could not see that they are not.
    func ask(_ positions: [Position], _ settlement: Settlement?) {
        let isFree = state.withLock { state in
            guard case .idle = state else { return false }
            state = .asking
            return true
        }
        guard isFree else { return }
        let from = Dictionary(positions.map { ($0.partition, $0.next) }) { _, next in next }
        Task { try await thread.run { self.answer(from, settlement) } }
    }

    private func answer(_ from: [TopicPartition: Int64], _ settlement: Settlement?) {
        let now = microsecondsSince1970()
        let settled = settlement.flatMap { coversAllPartitions($0) ? $0.microseconds : nil }
        let ends = try? consumer.ends(of: Array(from.keys), timeoutMilliseconds: Self.timeoutMilliseconds)
        let answer = (ends ?? [:]).reduce(into: [TopicPartition: PartitionEnd]()) { answer, end in
            guard let next = from[end.key] else { return }
            answer[end.key] = PartitionEnd(
                offset: end.value, askedFrom: next, askedAtMicroseconds: now, settledMicroseconds: settled)
        }
        state.withLock { $0 = .answered(answer) }
        consumer.wake()
    }

    private func coversAllPartitions(_ settlement: Settlement) -> Bool {
        let count = try? consumer.partitionCount(of: settlement.topic, timeoutMilliseconds: Self.timeoutMilliseconds)
        return count.map { $0 <= settlement.knownPartitions } ?? false
    }

    /// The answer that came since the last call.
    func takeAnswer() -> [TopicPartition: PartitionEnd]? {
        state.withLock { state in
            guard case .answered(let ends) = state else { return nil }
            state = .idle
            return ends
        }
    }
}
