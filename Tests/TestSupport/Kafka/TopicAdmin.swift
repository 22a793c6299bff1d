import CRDKafka

/// Creates and deletes topics on a running broker, whoever made it. Its calls block.
package final class TopicAdmin {
    private let client: OpaquePointer
    private let queue: OpaquePointer
    private static let timeoutMilliseconds: CInt = 30_000

    package init(servers: String) throws {
        guard let configuration = rd_kafka_conf_new() else { throw SetupError("librdkafka is out of memory") }
        var text = [CChar](repeating: 0, count: 512)
        guard rd_kafka_conf_set(configuration, "bootstrap.servers", servers, &text, text.count) == RD_KAFKA_CONF_OK,
            let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &text, text.count)
        else {
            rd_kafka_conf_destroy(configuration)
            throw SetupError("librdkafka cannot start a client for \(servers)")
        }
        self.client = client
        queue = rd_kafka_queue_new(client)
    }

    deinit {
        rd_kafka_queue_destroy(queue)
        rd_kafka_destroy(client)
    }

    /// Creates a topic with one replica; false when it exists already.
    ///
    /// Its records stay: a broker counts retention from a record's timestamp, and that is when the
    /// trade happened. By default it would delete a recorded session of last week at once.
    ///
    /// The corresponding C function is `rd_kafka_CreateTopics`.
    package func create(_ name: String, partitions: Int) throws -> Bool {
        guard let topic = rd_kafka_NewTopic_new(name, CInt(partitions), 1, nil, 0) else {
            throw SetupError("'\(name)' with \(partitions) partitions is no topic")
        }
        defer { rd_kafka_NewTopic_destroy(topic) }
        try check(rd_kafka_NewTopic_set_config(topic, "retention.ms", "-1"), "creating topic \(name)")
        var topics: [OpaquePointer?] = [topic]
        rd_kafka_CreateTopics(client, &topics, 1, nil, queue)
        let event = try answer(to: "creating topic \(name)")
        defer { rd_kafka_event_destroy(event) }
        var count = 0
        let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
        guard count == 1, let result = results?[0] else { throw SetupError("creating topic \(name): no result") }
        let code = rd_kafka_topic_result_error(result)
        if code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS { return false }
        try check(code, "creating topic \(name)")
        return true
    }

    /// Deletes a topic with its records.
    ///
    /// The corresponding C function is `rd_kafka_DeleteTopics`.
    package func delete(_ name: String) throws {
        guard let topic = rd_kafka_DeleteTopic_new(name) else { throw SetupError("'\(name)' is no topic") }
        defer { rd_kafka_DeleteTopic_destroy(topic) }
        var topics: [OpaquePointer?] = [topic]
        rd_kafka_DeleteTopics(client, &topics, 1, nil, queue)
        rd_kafka_event_destroy(try answer(to: "deleting topic \(name)"))
    }

    /// How many partitions a topic has.
    ///
    /// The corresponding C function is `rd_kafka_metadata`.
    package func partitions(of name: String) throws -> Int {
        let topic = rd_kafka_topic_new(client, name, nil)
        defer { if let topic { rd_kafka_topic_destroy(topic) } }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        try check(rd_kafka_metadata(client, 0, topic, &metadata, Self.timeoutMilliseconds), "looking up topic \(name)")
        defer { rd_kafka_metadata_destroy(metadata) }
        guard let metadata, metadata.pointee.topic_cnt == 1, let found = metadata.pointee.topics else {
            throw SetupError("the broker does not know topic \(name)")
        }
        try check(found.pointee.err, "looking up topic \(name)")
        return Int(found.pointee.partition_cnt)
    }

    private func answer(to request: String) throws -> OpaquePointer {
        guard let event = rd_kafka_queue_poll(queue, Self.timeoutMilliseconds) else {
            throw SetupError("\(request): no broker answers")
        }
        let code = rd_kafka_event_error(event)
        if code != RD_KAFKA_RESP_ERR_NO_ERROR {
            rd_kafka_event_destroy(event)
            try check(code, request)
        }
        return event
    }

    private func check(_ code: rd_kafka_resp_err_t, _ request: String) throws {
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw SetupError("\(request): \(rd_kafka_err2str(code).map { String(cString: $0) } ?? "\(code.rawValue)")")
        }
    }
}
