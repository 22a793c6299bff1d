import Kafka

/// Writes records as another program would: any key, any value, headers or none. Used by one task.
package final class TopicWriter {
    private let producer: KafkaProducer
    private var sent: UInt64 = 0

    package init(_ topic: String, servers: String, properties: [(name: String, value: String)] = []) throws {
        producer = try KafkaProducer(topic: topic, properties: [("bootstrap.servers", servers)] + properties)
    }

    /// Sends a record, without a value when that is nil; waits while librdkafka's queue is full.
    package func write(key: String?, value: [UInt8]?, timestampMilliseconds: Int64 = 1_700_000_000_000) throws {
        let key = key.map { Array($0.utf8) }
        while true {
            do throws(KafkaError) {
                let outcome = (value ?? []).withUnsafeBytes { bytes in
                    (key ?? []).withUnsafeBytes { keyBytes in
                        Result { () throws(KafkaError) in
                            try producer.produce(
                                .init(
                                    key: key == nil ? nil : keyBytes,
                                    value: value == nil ? UnsafeRawBufferPointer(start: nil, count: 0) : bytes,
                                    timestampMilliseconds: timestampMilliseconds), tag: 0)
                        }
                    }
                }
                try outcome.get()
                sent += 1
                return
            } catch {
                guard error.code == .queueFull else { throw error }
                producer.poll(timeoutMilliseconds: 100) { _ in }
            }
        }
    }

    /// Returns when every record was acknowledged; blocks.
    package func flush() throws {
        let deadline = ContinuousClock.now + .seconds(30)
        var failure: KafkaError?
        while producer.queueLength > 0 {
            producer.poll(timeoutMilliseconds: 100) { event in
                if case .failed(_, let error) = event { failure = error }
            }
            if let failure { throw failure }
            if ContinuousClock.now > deadline { throw SetupError("the records are not acknowledged") }
        }
    }
}
