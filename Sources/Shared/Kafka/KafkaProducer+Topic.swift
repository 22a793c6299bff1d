import CRDKafka

extension KafkaProducer {
    /// What a broker says of the topic.
    package enum TopicState: Equatable, Sendable {
        case partitions(Int)
        /// The brokers answer that there is none.
        case missing
        /// No broker answered, or not yet with a number.
        case unknown
    }

    /// Asks a broker how many partitions the topic has; blocks.
    ///
    /// librdkafka learns the answer with it: a record for the last one of them is taken from here on.
    ///
    /// The corresponding C function is `rd_kafka_metadata`.
    package func topicState(timeoutMilliseconds: Int) -> TopicState {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(handle.client, 0, topic, &metadata, CInt(timeoutMilliseconds))
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else { return .unknown }
        defer { rd_kafka_metadata_destroy(metadata) }
        guard metadata.pointee.topic_cnt == 1, let topic = metadata.pointee.topics?.pointee else { return .unknown }
        if topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART { return .missing }
        return topic.partition_cnt > 0 ? .partitions(Int(topic.partition_cnt)) : .unknown
    }

    /// Asks for the topic to be made, with one partition and the brokers' own number of replicas; does not wait for it.
    ///
    /// The corresponding C function is `rd_kafka_CreateTopics`.
    package func requestTopic() {
        guard let name = rd_kafka_topic_name(topic), let new = rd_kafka_NewTopic_new(name, 1, -1, nil, 0)
        else { return }
        defer { rd_kafka_NewTopic_destroy(new) }
        var requested: [OpaquePointer?] = [new]
        // Nobody reads the answer: whether there is a topic is seen when it is asked for again.
        rd_kafka_CreateTopics(handle.client, &requested, 1, nil, events)
    }
}
