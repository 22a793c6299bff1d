/// How far the rows of one partition have come: one row of `kafka_offsets`.
struct PartitionProgress: Equatable, Sendable {
    let partition: Int
    /// The largest trade time that was written, in seconds since 1970, rounded down; nil before the first.
    var lastEventSeconds: Int?
    /// Everything that was in the partition at this time is in the database; seconds since 1970, rounded
    /// down. A partition without trades moves on by this alone.
    var caughtUpSeconds: Int?

    /// Up to here the database has what the partition had.
    var reachedSeconds: Int? { [lastEventSeconds, caughtUpSeconds].compactMap(\.self).max() }
}

/// What the database says of the consumer's progress.
enum ConsumerProgress: Equatable, Sendable {
    /// It has no table `kafka_offsets`: somebody else fills the source.
    case unrecorded
    /// An older consumer made the table, which tells offsets and no times.
    case withoutTimes
    /// What it says of the topic's partitions; nothing when it does not know the topic.
    case partitions([PartitionProgress])
}
