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
    /// True when the batch has a record of this partition.
    private(set) var hasRecords = false

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

    /// True for a record that is in Kafka twice and was here before; it is counted.
    mutating func isRepeat(_ origin: Origin) -> Bool {
        guard producers.isRepeat(origin) else { return false }
        repeats += 1
        return true
    }

    /// The batch is in the database.
    mutating func written() {
        guard hasRecords else { return }
        stored = next
        repeats = 0
        hasRecords = false
    }
}

/// A row of `kafka_offsets`, as far as reading on needs it.
struct StoredPosition: Equatable {
    let nextOffset: Int64
    let producers: ProducerSequences
}
