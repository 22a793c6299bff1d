import Kafka

/// A record as the batch looks at it: bytes in Kafka's memory, valid as long as they are.
struct SourceRecord {
    let source: Source
    let partition: Int32
    let offset: Int64
    var key: UnsafeRawBufferPointer?
    var value: UnsafeRawBufferPointer?
    /// nil when its headers do not tell.
    var origin: Origin?
    /// Milliseconds since 1970; nil when the record carries none.
    var timestampMilliseconds: Int64?

    /// When a producer received it or, when that is not told, its time in Kafka: microseconds since 1970.
    var receivedMicroseconds: UInt64? {
        origin?.received ?? timestampMilliseconds.map { UInt64(clamping: $0) &* 1_000 }
    }
}

extension SourceRecord {
    init(_ record: KafkaRecord, _ topics: Topics) {
        let source = topics.source(of: record)
        self.init(
            source: source, partition: record.partition, offset: record.offset, key: record.key, value: record.value,
            // A gap may be told twice: producer and beginning say which one it is.
            origin: source == .ticks ? Origin(record) : nil,
            timestampMilliseconds: record.timestampMilliseconds)
    }
}
