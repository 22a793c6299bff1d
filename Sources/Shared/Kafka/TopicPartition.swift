import CRDKafka

/// A partition of a topic.
package struct TopicPartition: Hashable, Sendable, CustomStringConvertible {
    package let topic: String
    package let partition: Int32

    package init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    package var description: String { "\(topic)/\(partition)" }
}

/// Where in a partition to read.
package enum KafkaOffset: Hashable, Sendable {
    /// The oldest record that the partition still has.
    case beginning
    case at(Int64)

    var rawValue: Int64 {
        switch self {
        case .beginning: Int64(RD_KAFKA_OFFSET_BEGINNING)
        case .at(let offset): offset
        }
    }
}

/// librdkafka's list of partitions. It owns its memory.
struct PartitionList: ~Copyable {
    let list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ offsets: some Collection<(TopicPartition, KafkaOffset)>) {
        list = rd_kafka_topic_partition_list_new(CInt(offsets.count))
        for (partition, offset) in offsets {
            rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition)?.pointee.offset =
                offset.rawValue
        }
    }

    init(topics: [String]) {
        list = rd_kafka_topic_partition_list_new(CInt(topics.count))
        for topic in topics { rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA) }
    }

    deinit { rd_kafka_topic_partition_list_destroy(list) }
}

/// The partitions of a list that somebody else owns.
func partitions(of list: UnsafePointer<rd_kafka_topic_partition_list_t>?) -> [TopicPartition] {
    guard let list else { return [] }
    return (0..<Int(list.pointee.cnt)).map { index in
        TopicPartition(list.pointee.elems[index])
    }
}

extension TopicPartition {
    init(_ element: rd_kafka_topic_partition_t) {
        self.init(topic: element.topic.map { String(cString: $0) } ?? "", partition: element.partition)
    }
}
