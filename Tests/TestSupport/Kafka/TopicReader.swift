package import Kafka

/// Reads a whole topic, without a group: what is in Kafka, independent of what the product says.
package enum TopicReader {
    /// A record, copied out of librdkafka's memory.
    package struct Record: Sendable {
        package let partition: Int32
        package let offset: Int64
        package let key: [UInt8]?
        package let value: [UInt8]?
        package let timestampMilliseconds: Int64?
        package let headers: [String: String]
    }

    /// Hands every record that the topic has now to `body`; blocks.
    ///
    /// - Returns: how many records the topic has lost already: offsets below its low watermarks.
    package static func readAll(
        _ topic: String, partitions: Int, servers: String, _ body: (KafkaRecord) -> Void
    ) throws -> Int64 {
        let consumer = try KafkaConsumer(
            group: "topic-reader", properties: [("bootstrap.servers", servers)])
        let all = (0..<Int32(partitions)).map { TopicPartition(topic: topic, partition: $0) }
        let marks = try all.map { try consumer.watermarks(of: $0, timeoutMilliseconds: 10_000) }
        var remaining = marks.reduce(0) { $0 + $1.high - $1.low }
        try consumer.assign(all.map { ($0, .beginning) })
        var deadline = ContinuousClock.now + .seconds(30)
        while remaining > 0 {
            try consumer.poll(timeoutMilliseconds: 1_000) { (event: KafkaConsumer.Event) throws(SetupError) in
                switch event {
                case .record(let record):
                    body(record)
                    remaining -= 1
                    deadline = .now + .seconds(30)
                case .error(let error, _) where error.isFatal: throw SetupError("\(error)")
                default: break
                }
            }
            if ContinuousClock.now > deadline { throw SetupError("\(remaining) records of \(topic) do not come") }
        }
        return marks.reduce(0) { $0 + $1.low }
    }

    /// Returns once the topic has had `count` records. Asks again and again, since Kafka tells nobody.
    package static func wait(
        for count: Int64, in topic: String, partitions: Int, servers: String, within limit: Duration = .seconds(60)
    ) async throws {
        let consumer = try KafkaConsumer(group: "topic-reader", properties: [("bootstrap.servers", servers)])
        let deadline = ContinuousClock.now + limit
        var last: Int64 = 0
        while ContinuousClock.now < deadline {
            last = try lastOffsets(topic, partitions: partitions, consumer)
            if last >= count { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw SetupError("\(topic) has \(last) records and not \(count) after \(limit)")
    }

    /// How many records the topic ever had: the sum of its partitions' next offsets. Blocks.
    package static func lastOffsets(_ topic: String, partitions: Int, servers: String) throws -> Int64 {
        let consumer = try KafkaConsumer(group: "topic-reader", properties: [("bootstrap.servers", servers)])
        return try lastOffsets(topic, partitions: partitions, consumer)
    }

    private static func lastOffsets(_ topic: String, partitions: Int, _ consumer: KafkaConsumer) throws -> Int64 {
        try (0..<Int32(partitions)).reduce(0) { sum, partition in
            let partition = TopicPartition(topic: topic, partition: partition)
            return try sum + consumer.watermarks(of: partition, timeoutMilliseconds: 10_000).high
        }
    }

    /// All records of a small topic.
    package static func records(_ topic: String, partitions: Int, servers: String) throws -> [Record] {
        var records: [Record] = []
        _ = try readAll(topic, partitions: partitions, servers: servers) { record in
            var headers: [String: String] = [:]
            record.forEachHeader { name, value in
                headers[String(decoding: name, as: UTF8.self)] = value.map { String(decoding: $0, as: UTF8.self) }
            }
            records.append(
                Record(
                    partition: record.partition, offset: record.offset, key: record.key.map { Array($0) },
                    value: record.value.map { Array($0) }, timestampMilliseconds: record.timestampMilliseconds,
                    headers: headers))
        }
        return records
    }
}
