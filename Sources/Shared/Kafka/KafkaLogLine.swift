import CRDKafka
package import Logging

/// A line that librdkafka wants to log.
package struct KafkaLogLine: Sendable, Equatable {
    /// Severities of syslog: 0 is an emergency, 3 an error, 4 a warning, 6 information, 7 debugging.
    package let severity: Int
    /// The part of the library that speaks, such as `FAIL` or `REQTMOUT`.
    package let facility: String
    package let message: String

    init?(_ event: OpaquePointer) {
        var facility: UnsafePointer<CChar>?
        var message: UnsafePointer<CChar>?
        var severity: CInt = 0
        guard rd_kafka_event_log(event, &facility, &message, &severity) == 0 else { return nil }
        self.severity = Int(severity)
        self.facility = facility.map { String(cString: $0) } ?? ""
        self.message = message.map { String(cString: $0) } ?? ""
    }
}

extension Logger {
    /// librdkafka reports what it mends itself as errors; the operator's levels are ours.
    package func log(_ line: KafkaLogLine) {
        let level: Logger.Level = line.severity <= 4 ? .warning : .debug
        log(
            level: level, "librdkafka",
            metadata: ["kafka.facility": "\(line.facility)", "kafka.message": "\(line.message)"])
    }
}

extension KafkaError {
    /// The error that an event carries, with the word whether the client is done for.
    init(event: OpaquePointer, client: OpaquePointer) {
        let code = rd_kafka_event_error(event)
        if code == RD_KAFKA_RESP_ERR__FATAL {
            // The event only says that there is one; the error itself is kept by the client.
            var text = [CChar](repeating: 0, count: 512)
            let fatal = rd_kafka_fatal_error(client, &text, text.count)
            let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            self.init(fatal, reason: reason, isFatal: true)
        } else {
            let reason = rd_kafka_event_error_string(event).map { String(cString: $0) }
            self.init(code, reason: reason)
        }
    }
}
