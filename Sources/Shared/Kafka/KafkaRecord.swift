import CRDKafka
import Glibc

/// A record as librdkafka holds it. It is valid only within the call that hands it out.
package struct KafkaRecord {
    private let message: UnsafePointer<rd_kafka_message_t>

    init(_ message: UnsafePointer<rd_kafka_message_t>) { self.message = message }

    package var partition: Int32 { message.pointee.partition }
    package var offset: Int64 { message.pointee.offset }

    package var topic: String { rd_kafka_topic_name(message.pointee.rkt).map { String(cString: $0) } ?? "" }

    /// nil for a record without a key.
    package var key: UnsafeRawBufferPointer? {
        message.pointee.key.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len) }
    }

    /// nil for a record without a value (a tombstone).
    package var value: UnsafeRawBufferPointer? {
        message.pointee.payload.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.len) }
    }

    /// Milliseconds since 1970; nil when the record carries none.
    package var timestampMilliseconds: Int64? {
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(message, &type)
        return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : timestamp
    }

    /// True for a record of that topic.
    package func belongs(to topic: KafkaTopicName) -> Bool {
        topic.bytes.withUnsafeBufferPointer { name in
            guard let name = name.baseAddress, let own = rd_kafka_topic_name(message.pointee.rkt) else { return false }
            return strcmp(own, name) == 0
        }
    }

    /// Hands name and value of every header to `body`, in their order; a value can be null.
    ///
    /// librdkafka reads a record's headers when they are first asked for and keeps them: this walks over
    /// them once, whatever their number.
    ///
    /// The corresponding C functions are `rd_kafka_message_headers` and `rd_kafka_header_get_all`.
    package func forEachHeader(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer?) -> Void) {
        var headers: OpaquePointer?
        guard rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        var index = 0
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(headers, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
            if let name {
                body(
                    UnsafeRawBufferPointer(start: name, count: strlen(name)),
                    value.map { UnsafeRawBufferPointer(start: $0, count: size) })
            }
            index += 1
        }
    }
}

/// A topic's name as librdkafka spells it, so that records are told apart without making a String of each.
package struct KafkaTopicName: Sendable {
    fileprivate let bytes: [CChar]

    package init(_ name: String) { bytes = Array(name.utf8CString) }
}
