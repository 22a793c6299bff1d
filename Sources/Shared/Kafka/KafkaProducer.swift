import CRDKafka

/// An idempotent producer for one topic.
///
/// `produce` may be called from one thread while another one polls: librdkafka's handle is
/// thread-safe, and nothing else here changes after `init`.
package final class KafkaProducer: @unchecked Sendable {
    /// What ``poll(timeoutMilliseconds:_:)`` tells.
    package enum Event {
        /// A broker has the record with this tag, in as many replicas as it promised.
        case delivered(tag: UInt64)
        /// The record with this tag will not be delivered by this client.
        case failed(tag: UInt64, KafkaError)
        case error(KafkaError)
        case log(KafkaLogLine)
    }

    /// A record to send. The bytes are copied by ``produce(_:tag:)``.
    package struct Record {
        /// nil leaves the choice to librdkafka.
        package var partition: Int32?
        package var key: UnsafeRawBufferPointer?
        package var value: UnsafeRawBufferPointer
        /// Milliseconds since 1970.
        package var timestampMilliseconds: Int64
        package var headers: [(name: StaticString, value: UnsafeRawBufferPointer)]

        package init(
            partition: Int32? = nil, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer,
            timestampMilliseconds: Int64, headers: [(name: StaticString, value: UnsafeRawBufferPointer)] = []
        ) {
            self.partition = partition
            self.key = key
            self.value = value
            self.timestampMilliseconds = timestampMilliseconds
            self.headers = headers
        }
    }

    let handle: KafkaHandle
    let topic: OpaquePointer
    let events: OpaquePointer

    /// Nothing is lost or doubled: an acknowledgement of all replicas in sync, idempotence against
    /// doubles and reordering, no time limit after which a record is given up, and no record is sent
    /// behind one that failed: it would be in the topic before the one that is then sent again.
    ///
    /// For the last, one request at a time: a broker that has not seen this client in a partition takes a
    /// batch with any number, so also the second one of two when it refused the first. librdkafka has a
    /// second request ready all the same: whoever needs the order waits for a partition's first report.
    static let promises = [
        "enable.idempotence": "true", "acks": "all", "message.timeout.ms": "0", "enable.gapless.guarantee": "true",
        "max.in.flight.requests.per.connection": "1",
        // A record is let go on its report, also on that of a success.
        "delivery.report.only.error": "false",
    ]

    /// What cannot be set at all, and why.
    static let refused = [
        "transactional.id": "records are sent without transactions, and a producer with an id sends none outside of one"
    ]

    static let defaults = [
        // A topic that is not there yet is waited for as long as librdkafka can be told to.
        ("topic.metadata.propagation.max.ms", "3600000"),
        // An outage is over soon after its end, and not only when ten seconds have passed.
        ("reconnect.backoff.max.ms", "1000"),
        // Small waits fill batches; they are part of the latency from tick to row.
        ("linger.ms", "5"), ("compression.type", "lz4"),
        // A bound on memory: what has no room here waits on the caller's disk. Twice as much is no faster
        // (measured with 12 partitions, brokers on the same machine).
        ("queue.buffering.max.kbytes", "2048"), ("queue.buffering.max.messages", "100000"),
    ]

    /// - Parameter properties: librdkafka's own names; they win over the defaults here, but not over
    ///   what the guarantee rests on.
    package init(topic name: String, properties: [(name: String, value: String)]) throws(KafkaConfigurationError) {
        // A lower bound of the user's own may lie above our upper one, which librdkafka refuses.
        let isOwnBackoff = properties.contains { $0.name == "reconnect.backoff.ms" }
        let defaults = Self.defaults.filter { !(isOwnBackoff && $0.0 == "reconnect.backoff.max.ms") }
        handle = try KafkaHandle(
            RD_KAFKA_PRODUCER, fixed: Self.promises, refused: Self.refused, defaults + properties,
            events: RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
        guard let events = rd_kafka_queue_get_main(handle.client) else {
            throw KafkaConfigurationError(property: "", description: "out of memory")
        }
        self.events = events
        guard let topic = rd_kafka_topic_new(handle.client, name, nil) else {
            throw KafkaConfigurationError(property: "topic", description: "'\(name)' is not a topic name")
        }
        self.topic = topic
    }

    deinit {
        rd_kafka_topic_destroy(topic)
        rd_kafka_queue_destroy(events)
    }

    /// Hands a record to librdkafka, which copies it and delivers it from a thread of its own.
    ///
    /// - Parameter tag: comes back in ``Event/delivered(tag:)`` or ``Event/failed(tag:_:)``.
    /// - Throws: ``KafkaError/Code/queueFull`` when nothing was taken and it must be tried again.
    ///
    /// The corresponding C function is `rd_kafka_produceva`.
    package func produce(_ record: Record, tag: UInt64) throws(KafkaError) {
        // The list is ours until librdkafka took the record. Headers that are given one by one are
        // freed twice when the topic refuses them, until version 2.4 (librdkafka pull request 4628).
        let headers = rd_kafka_headers_new(record.headers.count)
        for header in record.headers {
            let name = UnsafeRawPointer(header.name.utf8Start).assumingMemoryBound(to: CChar.self)
            rd_kafka_header_add(
                headers, name, header.name.utf8CodeUnitCount, header.value.baseAddress, header.value.count)
        }
        let error = withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { arguments in
            arguments.initialize(repeating: rd_kafka_vu_t())
            fill(arguments, record, tag, headers)
            return rd_kafka_produceva(handle.client, arguments.baseAddress, arguments.count)
        }
        guard let error else { return }
        defer {
            rd_kafka_error_destroy(error)
            rd_kafka_headers_destroy(headers)
        }
        throw KafkaError(
            rd_kafka_error_code(error), reason: rd_kafka_error_string(error).map { String(cString: $0) },
            isFatal: rd_kafka_error_is_fatal(error) != 0)
    }

    private func fill(
        _ arguments: UnsafeMutableBufferPointer<rd_kafka_vu_t>, _ record: Record, _ tag: UInt64,
        _ headers: OpaquePointer?
    ) {
        arguments[0].vtype = RD_KAFKA_VTYPE_RKT
        arguments[0].u.rkt = topic
        arguments[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS
        arguments[1].u.i = RD_KAFKA_MSG_F_COPY
        arguments[2].vtype = RD_KAFKA_VTYPE_VALUE
        arguments[2].u.mem.ptr = UnsafeMutableRawPointer(mutating: record.value.baseAddress)
        arguments[2].u.mem.size = record.value.count
        arguments[3].vtype = RD_KAFKA_VTYPE_KEY
        arguments[3].u.mem.ptr = UnsafeMutableRawPointer(mutating: record.key?.baseAddress)
        arguments[3].u.mem.size = record.key?.count ?? 0
        arguments[4].vtype = RD_KAFKA_VTYPE_TIMESTAMP
        arguments[4].u.i64 = record.timestampMilliseconds
        arguments[5].vtype = RD_KAFKA_VTYPE_OPAQUE
        arguments[5].u.ptr = UnsafeMutableRawPointer(bitPattern: UInt(tag))
        arguments[6].vtype = RD_KAFKA_VTYPE_HEADERS
        arguments[6].u.headers = headers
        arguments[7].vtype = RD_KAFKA_VTYPE_PARTITION
        arguments[7].u.i32 = record.partition ?? RD_KAFKA_PARTITION_UA
    }

    /// Waits for the next events and hands them to `body`; false when none came in time.
    ///
    /// The corresponding C function is `rd_kafka_queue_poll`.
    @discardableResult
    package func poll(timeoutMilliseconds: Int, _ body: (Event) -> Void) -> Bool {
        guard let event = rd_kafka_queue_poll(events, CInt(timeoutMilliseconds)) else { return false }
        defer { rd_kafka_event_destroy(event) }
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_DR:
            while let message = rd_kafka_event_message_next(event) {
                let tag = UInt64(UInt(bitPattern: message.pointee._private))
                if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                    body(.delivered(tag: tag))
                } else {
                    body(.failed(tag: tag, KafkaError(message.pointee.err)))
                }
            }
        case RD_KAFKA_EVENT_ERROR: body(.error(KafkaError(event: event, client: handle.client)))
        case RD_KAFKA_EVENT_LOG: if let line = KafkaLogLine(event) { body(.log(line)) }
        default: break
        }
        return true
    }

    /// Records that were taken and have no delivery report yet, and events that wait.
    ///
    /// The corresponding C function is `rd_kafka_outq_len`.
    package var queueLength: Int { Int(rd_kafka_outq_len(handle.client)) }

    /// Sends what waits for a batch to fill, and blocks until everything is delivered or given up, or
    /// the time is over. Another thread must poll meanwhile, since the reports are what it waits for.
    ///
    /// The corresponding C function is `rd_kafka_flush`.
    package func flush(timeoutMilliseconds: Int) { _ = rd_kafka_flush(handle.client, CInt(timeoutMilliseconds)) }

    /// Gives up everything that has no delivery report yet, so that the client can be ended at once.
    ///
    /// The corresponding C function is `rd_kafka_purge`.
    package func purge() { _ = rd_kafka_purge(handle.client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT) }

    /// Makes a `poll` that waits return.
    ///
    /// The corresponding C function is `rd_kafka_queue_yield`.
    package func wake() { rd_kafka_queue_yield(events) }
}
