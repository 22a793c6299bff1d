import CRDKafka

/// A running client. It owns its `rd_kafka_t`: `init` starts it, `deinit` ends it and its threads.
///
/// librdkafka's calls may be made from any thread (rdkafka.h, "Thread safety").
struct KafkaHandle: ~Copyable {
    let client: OpaquePointer

    /// - Parameters:
    ///   - fixed: what the guarantee rests on; a property that says something else is refused.
    ///   - refused: properties that are no way to use this client, and why.
    ///   - properties: librdkafka's own names (CONFIGURATION.md of librdkafka); later ones win.
    ///   - events: which kinds arrive on the event queue instead of in callbacks.
    init(
        _ type: rd_kafka_type_t, fixed: [String: String], refused: [String: String] = [:],
        _ properties: [(name: String, value: String)], events: CInt
    ) throws(KafkaConfigurationError) {
        for (name, value) in properties {
            let name = aliases[name] ?? name
            if let why = refused[name] {
                throw KafkaConfigurationError(property: name, description: "\(name) cannot be set: \(why)")
            }
            if let promised = fixed[name], promised != value {
                throw KafkaConfigurationError(
                    property: name,
                    description: "\(name) must stay \(promised): that nothing is lost or doubled rests on it")
            }
        }
        guard let configuration = rd_kafka_conf_new() else {
            throw KafkaConfigurationError(property: "", description: "out of memory")
        }
        do throws(KafkaConfigurationError) {
            for property in fixed.map({ (name: $0.key, value: $0.value) }) + properties + [("log.queue", "true")] {
                try setProperty(property.name, property.value, in: configuration)
            }
            rd_kafka_conf_set_events(configuration, events)
            client = try withErrorText { text, size in
                // Takes ownership of the configuration, when it succeeds.
                rd_kafka_new(type, configuration, text, size)
            }
        } catch {
            rd_kafka_conf_destroy(configuration)
            throw error
        }
        // Log lines go where the other events go, not to standard error.
        rd_kafka_set_log_queue(client, nil)
    }

    // A consumer was closed before, as far as that was possible; it must not be waited for once more.
    deinit { rd_kafka_destroy_flags(client, CInt(RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)) }
}

/// Other names that librdkafka has for properties which may be fixed.
private let aliases = [
    "request.required.acks": "acks", "delivery.timeout.ms": "message.timeout.ms",
    "max.in.flight": "max.in.flight.requests.per.connection",
]

private func setProperty(
    _ name: String, _ value: String, in configuration: OpaquePointer
) throws(KafkaConfigurationError) {
    var text = [CChar](repeating: 0, count: 512)
    if rd_kafka_conf_set(configuration, name, value, &text, text.count) != RD_KAFKA_CONF_OK {
        throw KafkaConfigurationError(property: name, description: string(text))
    }
}

private func withErrorText(
    _ body: (UnsafeMutablePointer<CChar>, Int) -> OpaquePointer?
) throws(KafkaConfigurationError) -> OpaquePointer {
    var text = [CChar](repeating: 0, count: 512)
    if let result = text.withUnsafeMutableBufferPointer({ body($0.baseAddress!, $0.count) }) { return result }
    throw KafkaConfigurationError(property: "", description: string(text))
}

private func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
