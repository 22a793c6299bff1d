import Kafka

/// How keys are spread over the partitions of a topic.
///
/// A frame that is sent again has to go where it went before, or the consumer could not tell that it had
/// it: each segment keeps the spread that its first frame was sent with.
struct Spread: Equatable {
    let partitioner: Partitioner
    let partitionCount: Int

    func partition(of key: UnsafeRawBufferPointer?) -> Int32 { partitioner.partition(of: key, among: partitionCount) }

    /// Their order is part of the segments' format, in which they count from 1.
    private static let partitioners: [Partitioner] = [
        .consistent, .consistentRandom, .murmur2, .murmur2Random, .fnv1a, .fnv1aRandom,
    ]

    /// The partitioner as a segment has it.
    var code: UInt32 { UInt32((Self.partitioners.firstIndex(of: partitioner) ?? 0) + 1) }

    static func partitioner(code: UInt32) -> Partitioner? {
        partitioners.indices.contains(Int(code) - 1) ? partitioners[Int(code) - 1] : nil
    }
}
