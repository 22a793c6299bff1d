import Kafka

/// Writes records as another program would: any key, any value, headers or none. Used by one task.
package final class TopicWriter {
    private let producer: KafkaProducer

    package init(_ topic: String, servers: String, properties: [(name: String, value: String)] = []) throws {
        producer = try KafkaProducer(topic: topic, properties: [("bootstrap.servers", servers)] + properties)
    }

    package typealias Header = (name: StaticString, value: String)

    /// Sends a record, without a value when that is nil; waits while librdkafka's queue is full.
    package func write(
        key: String?, value: [UInt8]?, timestampMilliseconds: Int64 = 1_700_000_000_000, headers: [Header] = []
    ) throws {
        let record = KafkaProducer.Record(
            key: key.map { copy(Array($0.utf8)) },
            value: value.map(copy) ?? UnsafeRawBufferPointer(start: nil, count: 0),
            timestampMilliseconds: timestampMilliseconds,
            headers: headers.map { (name: $0.name, value: copy(Array($0.value.utf8))) })
        defer { for bytes in [record.key, record.value] + record.headers.map(\.value) { bytes?.deallocate() } }
        while true {
            do throws(KafkaError) {
                try producer.produce(record, tag: 0)
                return
            } catch {
                guard error.code == .queueFull else { throw error }
                producer.poll(timeoutMilliseconds: 100) { _ in }
            }
        }
    }

    /// To be deallocated by the caller. An empty value has an address too: one without is no value.
    private func copy(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
        copy.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(rebasing: copy[..<bytes.count])
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
