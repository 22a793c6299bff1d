import Kafka

/// Where one partition stands: what the database has of it, and how far the batch at hand gets.
struct Position {
    let partition: TopicPartition
    /// The next offset in the database; nil while it has no row of this partition.
    private(set) var stored: Int64?
    /// The next offset once the batch is written. Reading starts there.
    private(set) var next: Int64
    private(set) var producers: ProducerSequences
    /// Records of the batch that were in Kafka before.
    private(set) var repeats = 0
    /// When the latest trade among the batch's rows happened: milliseconds since 1970.
    private(set) var lastEventMilliseconds: Int64?
    /// Until when a producer says in the batch's records that what it received is in Kafka: microseconds
    /// since 1970.
    private(set) var settledMicroseconds: UInt64?
    /// When a producer received the first of the records that it wrote into the batch's: microseconds since 1970;
    /// nil when the batch has none of a producer's.
    private(set) var firstReceivedMicroseconds: UInt64?
    /// True when the batch has a record of this partition.
    private(set) var hasRecords = false
    /// When the first of them was received: microseconds since 1970; nil when there is none, or it does not say.
    private(set) var oldestMicroseconds: UInt64?
    /// An end to be told as reached once `next` is there.
    private var end: PartitionEnd?

    init(_ partition: TopicPartition, stored: StoredPosition? = nil) {
        self.partition = partition
        self.stored = stored?.nextOffset
        next = stored?.nextOffset ?? 0
        producers = stored?.producers ?? ProducerSequences()
    }

    /// Moves behind the record at `offset`; false for one that it had moved behind already.
    ///
    /// Whatever was read ahead before an assignment must not come after it: compare-and-set looks at where
    /// a batch begins, not at each of its records.
    mutating func pass(_ offset: Int64) -> Bool {
        guard offset >= next else { return false }
        next = offset + 1
        hasRecords = true
        return true
    }

    /// The record that is passed next is the batch's first one, and was received then.
    mutating func begins(at time: UInt64?) { oldestMicroseconds = time }

    /// True for a record that is in Kafka twice and was here before; it is counted.
    mutating func isRepeat(_ origin: Origin) -> Bool {
        guard producers.isRepeat(origin) else { return false }
        repeats += 1
        return true
    }

    mutating func sawTrade(at milliseconds: Int64) {
        lastEventMilliseconds = max(lastEventMilliseconds ?? .min, milliseconds)
    }

    mutating func isSettled(until time: UInt64) { settledMicroseconds = max(settledMicroseconds ?? 0, time) }

    mutating func wasReceived(at time: UInt64) {
        firstReceivedMicroseconds = min(firstReceivedMicroseconds ?? .max, time)
    }

    /// Kafka has handed out whatever is below `offset`. Behind the last record there can be offsets that
    /// have none.
    mutating func reachedEnd(at offset: Int64) { next = max(next, offset) }

    /// Keeps the older of two ends that are not reached: it will be reached first.
    mutating func learn(_ end: PartitionEnd) {
        // An end before the place from which it was asked is that of a topic that was made anew.
        guard end.offset >= end.askedFrom, self.end == nil || end.offset <= next else { return }
        self.end = end
    }

    /// The time of which the batch can say: whatever was in the partition then is in the database with it.
    /// Microseconds since 1970; nil when there is nothing new to say.
    var caughtUpMicroseconds: UInt64? { reachedEnd?.askedAtMicroseconds }

    /// Of what a producer had received until then the batch lacks nothing of this partition; as above.
    var recordedMicroseconds: UInt64? { reachedEnd?.settledMicroseconds }

    private var reachedEnd: PartitionEnd? { end.flatMap { $0.offset <= next ? $0 : nil } }

    /// True when the database has to hear of this partition.
    var hasNews: Bool { hasRecords || caughtUpMicroseconds != nil }

    /// The batch is in the database.
    mutating func written() {
        guard hasNews else { return }
        if caughtUpMicroseconds != nil { end = nil }
        stored = next
        repeats = 0
        lastEventMilliseconds = nil
        settledMicroseconds = nil
        firstReceivedMicroseconds = nil
        hasRecords = false
        oldestMicroseconds = nil
    }
}

/// Where a partition ended at some moment.
struct PartitionEnd: Equatable {
    /// The offset that its next record was to get.
    let offset: Int64
    /// Where this consumer was when it asked.
    let askedFrom: Int64
    /// The moment before the question was sent: what was in the partition then is below `offset`.
    let askedAtMicroseconds: UInt64
    /// What a producer had said before, in any partition: all that it had received until then was in Kafka,
    /// so what there was of it in this one is below `offset`. nil when none had.
    var settledMicroseconds: UInt64?
}

/// A row of `kafka_offsets`, as far as reading on needs it.
struct StoredPosition: Equatable {
    let nextOffset: Int64
    let producers: ProducerSequences
}
