import CRDKafka

/// A member of a consumer group that keeps its offsets elsewhere.
///
/// Records, rebalances, errors and log lines arrive in one place, ``poll(timeoutMilliseconds:_:)``.
/// After an `assigned` the caller must answer with ``assign(_:)``, after a `revoked` with
/// ``unassign()``: until then the group waits. One thread uses a consumer; what may come from others says so.
package final class KafkaConsumer: @unchecked Sendable {
    package enum Event {
        case record(KafkaRecord)
        /// The group gives these partitions to this member.
        case assigned([TopicPartition])
        /// The group takes these partitions away.
        case revoked([TopicPartition])
        /// Whatever was in the partition below this offset, where it ends now, has been handed out. Told once
        /// an end.
        case end(TopicPartition, Int64)
        case error(KafkaError, TopicPartition?)
        case log(KafkaLogLine)
    }

    /// The offsets of a partition that can be read: `[low, high)`.
    package struct Watermarks: Equatable, Sendable {
        package let low: Int64
        package let high: Int64
    }

    private let handle: KafkaHandle
    private let queue: OpaquePointer
    private var isClosed = false
    /// What ``assign(_:)`` said last.
    private var assigned: [TopicPartition] = []
    private var eventCount = 0

    static let promises = [
        // Offsets live in the database, in the transaction of the rows.
        "enable.auto.commit": "false", "enable.auto.offset.store": "false",
        // An offset that is gone is somebody's decision, not a default's.
        "auto.offset.reset": "error",
        // Offsets without records (of transactions, of what was compacted) are passed by it alone.
        "enable.partition.eof": "true",
        // Eager: all partitions are given and taken at once, so a batch never outlives its partition.
        "partition.assignment.strategy": "range,roundrobin",
    ]

    private static let defaults = [
        // How long a member that died keeps its partitions from the others.
        ("session.timeout.ms", "10000"),
        // Bounds on memory: what waits here was read ahead of the database.
        ("queued.max.messages.kbytes", "16384"), ("queued.min.messages", "1000000"),
        ("fetch.wait.max.ms", "100"), ("fetch.error.backoff.ms", "100"),
        // A byte that changed on a broker's disk could be a digit.
        ("check.crcs", "true"),
        // How soon a topic or a partition that is new is noticed.
        ("topic.metadata.refresh.interval.ms", "30000"),
    ]

    /// What one answer has at most; in memory it is several times as large when its records are compressed.
    /// librdkafka refuses it beside larger messages, and then chooses by itself.
    private static let fetchLimit = [("fetch.max.bytes", "2097152")]

    /// How soon after the queue was full librdkafka looks whether it still is; a second, when it is not told.
    private static let queueBackoff = hasQueueBackoff ? [("fetch.queue.backoff.ms", "10")] : []

    static func withDefaults(_ properties: [(name: String, value: String)]) -> [(name: String, value: String)] {
        defaults + (properties.contains { $0.name == "message.max.bytes" } ? [] : fetchLimit) + queueBackoff
            + properties
    }

    /// - Parameter properties: librdkafka's own names; they win over the defaults here, but not over
    ///   what the guarantee rests on.
    package init(
        group: String, properties: [(name: String, value: String)]
    ) throws(KafkaConfigurationError) {
        handle = try KafkaHandle(
            RD_KAFKA_CONSUMER, fixed: Self.promises, Self.withDefaults(properties) + [("group.id", group)],
            events: RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
        // Errors and log lines come to the consumer's queue as well.
        rd_kafka_poll_set_consumer(handle.client)
        guard let queue = rd_kafka_queue_get_consumer(handle.client) else {
            throw KafkaConfigurationError(property: "", description: "out of memory")
        }
        self.queue = queue
        rd_kafka_set_log_queue(handle.client, queue)
    }

    deinit {
        close()
        rd_kafka_queue_destroy(queue)
    }

    /// A topic that does not exist yet is told as an error, once, and joins when it appears.
    ///
    /// The corresponding C function is `rd_kafka_subscribe`.
    package func subscribe(to topics: [String]) throws(KafkaError) {
        let topics = PartitionList(topics: topics)
        try check(rd_kafka_subscribe(handle.client, topics.list))
    }

    /// Reads these partitions from these offsets on, and no others; what was read ahead is dropped.
    ///
    /// The corresponding C function is `rd_kafka_assign`.
    package func assign(_ offsets: [(TopicPartition, KafkaOffset)]) throws(KafkaError) {
        let partitions = PartitionList(offsets)
        try check(rd_kafka_assign(handle.client, partitions.list))
        assigned = offsets.map(\.0)
        waitForStops()
    }

    package func unassign() throws(KafkaError) {
        try check(rd_kafka_assign(handle.client, nil))
        assigned = []
        waitForStops()
    }

    /// Waits until what the last assignment read is no longer read; microseconds.
    ///
    /// A partition that is taken away again before librdkafka noticed that it had stopped is stopped
    /// twice, and the second answer aborts the process (librdkafka issue 5573, in 2.0 to 2.15). The stop
    /// and its answer pass through the queue of librdkafka's main thread, as does this question: when
    /// it was answered the stop is done, and when it was answered again so is the stop's answer.
    private func waitForStops() {
        for _ in 1...2 {
            var assignment: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
            guard rd_kafka_assignment(handle.client, &assignment) == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
            if let assignment { rd_kafka_topic_partition_list_destroy(assignment) }
        }
    }

    /// Waits for the next event and hands it to `body`; false when none came in time.
    ///
    /// The corresponding C function is `rd_kafka_queue_poll`.
    @discardableResult
    package func poll<Failure: Error>(
        timeoutMilliseconds: Int, _ body: (Event) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard let event = rd_kafka_queue_poll(queue, CInt(timeoutMilliseconds)) else { return false }
        defer { rd_kafka_event_destroy(event) }
        eventCount &+= 1
        if eventCount % Self.eventsBetweenLooks == 0 { resumeFetching() }
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_FETCH:
            while let message = rd_kafka_event_message_next(event) { try body(.record(KafkaRecord(message))) }
        case RD_KAFKA_EVENT_REBALANCE:
            let list = partitions(of: rd_kafka_event_topic_partition_list(event))
            let isAssignment = rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
            try body(isAssignment ? .assigned(list) : .revoked(list))
        case RD_KAFKA_EVENT_ERROR:
            let element = rd_kafka_event_topic_partition(event)
            defer { if let element { rd_kafka_topic_partition_destroy(element) } }
            let partition = element.map { TopicPartition($0.pointee) }
            if let element, let partition, rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__PARTITION_EOF {
                try body(.end(partition, element.pointee.offset))
            } else {
                try body(.error(KafkaError(event: event, client: handle.client), partition))
            }
        case RD_KAFKA_EVENT_LOG: if let line = KafkaLogLine(event) { try body(.log(line)) }
        default: break
        }
        return true
    }

    /// How often the length of the queue is looked at. A record is an event.
    private static let eventsBetweenLooks = 1_024

    /// Wakes librdkafka's threads of the brokers when the queue runs low. Before version 2.2 one that found it
    /// full looks again a second later, however soon it is empty (librdkafka issue 2879).
    ///
    /// Any question to the partitions' leaders does that; nobody waits for the answer to this one.
    private func resumeFetching() {
        guard !hasQueueBackoff, rd_kafka_queue_length(queue) < 2 * Self.eventsBetweenLooks, !assigned.isEmpty
        else { return }
        let question = PartitionList(assigned.map { ($0, KafkaOffset.at(Int64(RD_KAFKA_OFFSET_END))) })
        _ = rd_kafka_offsets_for_times(handle.client, question.list, 0)
    }

    /// Asks the partition's leader which offsets there are.
    ///
    /// The corresponding C function is `rd_kafka_query_watermark_offsets`.
    package func watermarks(
        of partition: TopicPartition, timeoutMilliseconds: Int
    ) throws(KafkaError) -> Watermarks {
        var low: Int64 = 0
        var high: Int64 = 0
        try check(
            rd_kafka_query_watermark_offsets(
                handle.client, partition.topic, partition.partition, &low, &high, CInt(timeoutMilliseconds)))
        return Watermarks(low: low, high: high)
    }

    /// Where a partition ended in the last answer of its leader; nil as long as there was none. Asks nobody. Any
    /// thread.
    ///
    /// The corresponding C function is `rd_kafka_get_watermark_offsets`.
    package func knownEnd(of partition: TopicPartition) -> Int64? {
        var low: Int64 = 0
        var high: Int64 = 0
        let result = rd_kafka_get_watermark_offsets(
            handle.client, partition.topic, partition.partition, &low, &high)
        return result == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
    }

    /// The offsets of the oldest records of partitions, in one question to each broker. A partition whose leader
    /// does not answer in time is left out. Any thread.
    package func beginnings(
        of partitions: [TopicPartition], timeoutMilliseconds: Int
    ) throws(KafkaError) -> [TopicPartition: Int64] {
        try offsets(of: partitions, at: RD_KAFKA_OFFSET_BEGINNING, timeoutMilliseconds)
    }

    /// The ends of partitions, the offset that the next record of each will get; otherwise as
    /// ``beginnings(of:timeoutMilliseconds:)``.
    package func ends(
        of partitions: [TopicPartition], timeoutMilliseconds: Int
    ) throws(KafkaError) -> [TopicPartition: Int64] {
        try offsets(of: partitions, at: RD_KAFKA_OFFSET_END, timeoutMilliseconds)
    }

    /// The corresponding C function is `rd_kafka_offsets_for_times`, which asks for what Kafka's protocol
    /// calls a timestamp; -1 is the end and -2 the beginning.
    private func offsets(
        of partitions: [TopicPartition], at time: CInt, _ timeoutMilliseconds: Int
    ) throws(KafkaError) -> [TopicPartition: Int64] {
        let question = PartitionList(partitions.map { ($0, KafkaOffset.at(Int64(time))) })
        try check(rd_kafka_offsets_for_times(handle.client, question.list, CInt(timeoutMilliseconds)))
        var offsets: [TopicPartition: Int64] = [:]
        for index in 0..<Int(question.list.pointee.cnt) {
            let element = question.list.pointee.elems[index]
            guard element.err == RD_KAFKA_RESP_ERR_NO_ERROR, element.offset >= 0 else { continue }
            offsets[TopicPartition(element)] = element.offset
        }
        return offsets
    }

    /// How many partitions a topic that this consumer reads has by now; nil when the brokers do not know it. Any
    /// thread.
    ///
    /// The corresponding C function is `rd_kafka_metadata`.
    package func partitionCount(of topic: String, timeoutMilliseconds: Int) throws(KafkaError) -> Int? {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        try check(rd_kafka_metadata(handle.client, 0, nil, &metadata, CInt(timeoutMilliseconds)))
        guard let metadata else { return nil }
        defer { rd_kafka_metadata_destroy(metadata) }
        for index in 0..<Int(metadata.pointee.topic_cnt) {
            let candidate = metadata.pointee.topics[index]
            if candidate.err == RD_KAFKA_RESP_ERR_NO_ERROR, String(cString: candidate.topic) == topic {
                return Int(candidate.partition_cnt)
            }
        }
        return nil
    }

    /// Tells the group how far its partitions are, for tools that show its lag. Nothing rests on it,
    /// so nobody waits for the answer.
    ///
    /// The corresponding C function is `rd_kafka_commit`.
    package func reportProgress(_ offsets: [(TopicPartition, KafkaOffset)]) {
        let partitions = PartitionList(offsets)
        _ = rd_kafka_commit(handle.client, partitions.list, 1)
    }

    /// Leaves the group, so that its other members need not wait for the session to time out. Gives
    /// up after 2 s, since a broker that is away cannot be told.
    ///
    /// The corresponding C function is `rd_kafka_consumer_close_queue`.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        if let error = rd_kafka_consumer_close_queue(handle.client, queue) {
            rd_kafka_error_destroy(error)
            return
        }
        let deadline = ContinuousClock.now + .seconds(2)
        while rd_kafka_consumer_closed(handle.client) == 0, .now < deadline {
            poll(timeoutMilliseconds: 100) { event in
                // Without waiting: a client that is ending may drop the question without an answer.
                if case .revoked = event { _ = rd_kafka_assign(handle.client, nil) }
            }
        }
    }

    /// Makes a `poll` that waits return. Any thread.
    ///
    /// The corresponding C function is `rd_kafka_queue_yield`.
    package func wake() { rd_kafka_queue_yield(queue) }

    private func check(_ code: rd_kafka_resp_err_t) throws(KafkaError) {
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code) }
    }
}

/// True when librdkafka knows `fetch.queue.backoff.ms`: from version 2.2 on.
private let hasQueueBackoff = rd_kafka_version() >= 0x0202_0000
