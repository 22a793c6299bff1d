/// How far the database is behind Kafka, partition by partition: when the oldest record that it lacks was received.
///
/// A batch that fails is forgotten, and what it had is read again. Until then nobody but this knows how old it is.
struct Lag {
    struct Entry: Equatable {
        /// As the database has it.
        var nextOffset: Int64
        /// When the record there was received, or one a little behind it: microseconds since 1970. nil when none
        /// was seen.
        var oldestMicroseconds: UInt64?
    }

    private(set) var entries: [Int32: Entry] = [:]

    /// Takes over where a partition stands.
    ///
    /// - Parameters:
    ///   - nextOffset: as the database has it.
    ///   - oldest: when the batch's first record of the partition was received; nil when it has none.
    mutating func update(_ partition: Int32, nextOffset: Int64, oldestMicroseconds oldest: UInt64?) {
        guard var entry = entries[partition], entry.nextOffset == nextOffset else {
            entries[partition] = Entry(nextOffset: nextOffset, oldestMicroseconds: oldest)
            return
        }
        entry.oldestMicroseconds = entry.oldestMicroseconds ?? oldest
        entries[partition] = entry
    }

    /// Forgets all partitions: others read them now.
    mutating func removeAll() { entries.removeAll() }
}
