import CRDKafka

/// A client that only looks at a cluster: it sends no record and joins no group.
///
/// Nor does it make a topic: brokers that make topics by themselves do so when a producer asks for one by its
/// name, as librdkafka does for every topic that it has a handle of. So this has none, and asks for all.
package final class KafkaProbe {
    private let handle: KafkaHandle
    private let events: OpaquePointer

    /// What a cluster says of itself.
    package struct Cluster: Equatable, Sendable {
        package let brokers: Int
        /// How many partitions each topic has that this client may see.
        package let partitions: [String: Int]
    }

    /// A client with the properties that a ``KafkaProducer`` would have.
    package static func producer(
        properties: [(name: String, value: String)]
    ) throws(KafkaConfigurationError) -> KafkaProbe {
        try KafkaProbe(
            RD_KAFKA_PRODUCER, fixed: KafkaProducer.promises, refused: KafkaProducer.refused,
            KafkaProducer.defaults + properties)
    }

    /// A client with the properties that a ``KafkaConsumer`` would have, but for the group: to ask for a group's
    /// coordinator makes the brokers keep something.
    package static func consumer(
        properties: [(name: String, value: String)]
    ) throws(KafkaConfigurationError) -> KafkaProbe {
        try KafkaProbe(
            RD_KAFKA_CONSUMER, fixed: KafkaConsumer.promises,
            KafkaConsumer.withDefaults(properties).filter { $0.name != "group.id" })
    }

    private init(
        _ type: rd_kafka_type_t, fixed: [String: String], refused: [String: String] = [:],
        _ properties: [(name: String, value: String)]
    ) throws(KafkaConfigurationError) {
        handle = try KafkaHandle(
            type, fixed: fixed, refused: refused, properties, events: RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
        guard let events = rd_kafka_queue_get_main(handle.client) else {
            throw KafkaConfigurationError(property: "", description: "out of memory")
        }
        self.events = events
    }

    deinit { rd_kafka_queue_destroy(events) }

    /// Asks until a broker answers, all brokers go on refusing, or the time is over; blocks.
    ///
    /// - Throws: the first reason that a broker cannot be used, rather than the last.
    ///
    /// The corresponding C function is `rd_kafka_metadata`.
    package func cluster(within limit: Duration) throws(KafkaError) -> Cluster {
        let deadline = ContinuousClock.now + limit
        var reason: KafkaError?
        // All are called down when the first address of each refused; the second, such as IPv4's, is tried next.
        var downLimit: ContinuousClock.Instant?
        var patience = Duration.milliseconds(250)
        while true {
            var metadata: UnsafePointer<rd_kafka_metadata>?
            let wait = max(.zero, min(patience, deadline - .now)) / .milliseconds(1)
            let code = rd_kafka_metadata(handle.client, 1, nil, &metadata, Int32(wait))
            if code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata {
                defer { rd_kafka_metadata_destroy(metadata) }
                return Cluster(metadata.pointee)
            }
            let (first, areAllDown) = failures()
            reason = reason ?? first
            if areAllDown, downLimit == nil { downLimit = .now + .seconds(1) }
            if .now >= min(deadline, downLimit ?? deadline) { throw reason ?? KafkaError(code) }
            // An answer that comes too late is lost, however often it is asked for.
            patience = min(patience * 2, .seconds(10))
        }
    }

    /// What the client has to say since it was asked the last time: why a broker cannot be used, and whether
    /// none can.
    private func failures() -> (first: KafkaError?, areAllDown: Bool) {
        var first: KafkaError?
        var areAllDown = false
        while let event = rd_kafka_queue_poll(events, 0) {
            defer { rd_kafka_event_destroy(event) }
            guard rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR else { continue }
            let error = KafkaError(event: event, client: handle.client)
            if error.code == .allBrokersDown { areAllDown = true } else if first == nil { first = error }
        }
        return (first, areAllDown)
    }
}

extension KafkaProbe.Cluster {
    init(_ metadata: rd_kafka_metadata) {
        brokers = Int(metadata.broker_cnt)
        var partitions: [String: Int] = [:]
        for topic in UnsafeBufferPointer(start: metadata.topics, count: Int(metadata.topic_cnt))
        where topic.err == RD_KAFKA_RESP_ERR_NO_ERROR {
            partitions[String(cString: topic.topic)] = Int(topic.partition_cnt)
        }
        self.partitions = partitions
    }
}
