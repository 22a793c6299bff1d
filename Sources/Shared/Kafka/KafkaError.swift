import CRDKafka

/// A failure that librdkafka or a broker reported.
package struct KafkaError: Error, Sendable, Equatable, CustomStringConvertible {
    package struct Code: RawRepresentable, Sendable, Equatable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        init(_ code: rd_kafka_resp_err_t) { rawValue = code.rawValue }

        /// The local queue is full: nothing was taken, try again once it drained.
        package static let queueFull = Code(RD_KAFKA_RESP_ERR__QUEUE_FULL)
        /// The offset to start from is not in the partition, and no policy says where to go instead.
        package static let offsetReset = Code(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        package static let offsetOutOfRange = Code(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        package static let unknownTopic = Code(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        package static let messageTooLarge = Code(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        /// A batch is larger than a segment of the topic may be (`segment.bytes`).
        package static let batchTooLarge = Code(RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE)
        /// A record's timestamp is outside of what the topic takes; the whole batch is refused.
        package static let invalidTimestamp = Code(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP)
        /// The topic does not take a record, as a compacted one without a key; the whole batch is refused.
        package static let invalidRecord = Code(RD_KAFKA_RESP_ERR_INVALID_RECORD)
        /// Records whose bytes have changed, or whose format librdkafka does not know.
        package static let badMessage = Code(RD_KAFKA_RESP_ERR__BAD_MSG)
        package static let badCompression = Code(RD_KAFKA_RESP_ERR__BAD_COMPRESSION)
        package static let notImplemented = Code(RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED)
        /// The login is refused.
        package static let authentication = Code(RD_KAFKA_RESP_ERR__AUTHENTICATION)
        /// The broker's certificate is not trusted, or TLS failed in another way.
        package static let tls = Code(RD_KAFKA_RESP_ERR__SSL)
        package static let allBrokersDown = Code(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    }

    package let code: Code
    /// librdkafka's name of the code, such as `QUEUE_FULL`.
    package let name: String
    package let reason: String
    /// The client that reported it can do nothing more; only a new one can.
    package let isFatal: Bool

    init(_ code: rd_kafka_resp_err_t, reason: String? = nil, isFatal: Bool = false) {
        self.code = Code(code)
        name = rd_kafka_err2name(code).map { String(cString: $0) } ?? "\(code.rawValue)"
        self.reason = reason ?? rd_kafka_err2str(code).map { String(cString: $0) } ?? ""
        self.isFatal = isFatal
    }

    package var description: String { "\(reason) [\(name)]" }
}

/// A configuration that librdkafka refused, in its own words.
package struct KafkaConfigurationError: Error, Sendable, CustomStringConvertible {
    package let property: String
    package let description: String
}

extension KafkaError {
    /// The broker answered, and will answer the same until somebody changes a setting.
    package var needsPerson: Bool { code == .authentication || code == .tls }

    /// Told of a partition: it has records that librdkafka cannot read, and behind which it goes on.
    package var hidesRecords: Bool { [.badMessage, .badCompression, .notImplemented].contains(code) }
}
