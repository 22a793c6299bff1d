import CRDKafka

/// Which partition a key belongs to: librdkafka's own functions, under the names of its property
/// `partitioner`, for a caller that has to know before it sends.
///
/// The `…_random` ones differ in records without a key alone, which here go where an empty key goes: a
/// record that is sent again must end where it was. `random` is none of them for that reason.
package enum Partitioner: String, Sendable {
    case consistent
    case consistentRandom = "consistent_random"
    case murmur2
    case murmur2Random = "murmur2_random"
    case fnv1a
    case fnv1aRandom = "fnv1a_random"

    /// librdkafka's default.
    package static let standard = Partitioner.consistentRandom

    /// - Parameter count: how many partitions there are, at least 1.
    ///
    /// The corresponding C functions are `rd_kafka_msg_partitioner_consistent` and its siblings.
    package func partition(of key: UnsafeRawBufferPointer?, among count: Int) -> Int32 {
        let (bytes, size) = (key?.baseAddress, key?.count ?? 0)
        switch self {
        case .consistent, .consistentRandom:
            return rd_kafka_msg_partitioner_consistent(nil, bytes, size, Int32(count), nil, nil)
        case .murmur2, .murmur2Random:
            return rd_kafka_msg_partitioner_murmur2(nil, bytes, size, Int32(count), nil, nil)
        case .fnv1a, .fnv1aRandom:
            return rd_kafka_msg_partitioner_fnv1a(nil, bytes, size, Int32(count), nil, nil)
        }
    }
}
