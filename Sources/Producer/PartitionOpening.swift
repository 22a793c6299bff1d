/// In which partitions a client's first record is on its way.
///
/// A broker that does not know a client in a partition takes a batch with any number: when it refuses the
/// first batch and another one is behind it, it takes that one. The refused frames would come later, with
/// smaller sequences, and be dropped as repeats. So nothing follows a client's first record in a partition
/// until that one is delivered. From then on the broker itself refuses what is out of order.
struct PartitionOpening {
    /// The sequence of each partition's first record.
    private var firstSequences: [Int32: UInt64] = [:]

    /// - Parameter deliveredBelow: below which sequence everything is delivered.
    func admits(_ partition: Int32, deliveredBelow: UInt64) -> Bool {
        firstSequences[partition].map { $0 < deliveredBelow } ?? true
    }

    /// A record was handed to the client.
    mutating func sent(_ sequence: UInt64, to partition: Int32) {
        if firstSequences[partition] == nil { firstSequences[partition] = sequence }
    }
}
