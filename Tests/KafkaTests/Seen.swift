import Kafka
import Runtime
import Synchronization
import TestSupport

/// An event of a consumer, copied out of librdkafka's memory.
enum Seen: Sendable {
    case record(partition: Int32, offset: Int64, value: String?)
    case assigned([TopicPartition])
    case revoked([TopicPartition])
    case end(TopicPartition, Int64)
    case error(KafkaError, TopicPartition?)
    case log(KafkaLogLine)

    init(_ event: KafkaConsumer.Event) {
        self =
            switch event {
            case .record(let record):
                .record(
                    partition: record.partition, offset: record.offset,
                    value: record.value.map { String(decoding: $0, as: UTF8.self) })
            case .assigned(let partitions): .assigned(partitions)
            case .revoked(let partitions): .revoked(partitions)
            case .end(let partition, let offset): .end(partition, offset)
            case .error(let error, let partition): .error(error, partition)
            case .log(let line): .log(line)
            }
    }
}

extension KafkaConsumer {
    /// What comes until `isLast` says so; blocks, for a minute at most.
    func seen(until isLast: (Seen) -> Bool) throws -> [Seen] {
        var all: [Seen] = []
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            var isDone = false
            poll(timeoutMilliseconds: 100) { (event: Event) throws(Never) in
                all.append(Seen(event))
                isDone = isLast(Seen(event))
            }
            if isDone { return all }
        }
        throw SetupError("waited in vain, after \(all.suffix(5))")
    }

    /// The offsets of the next `count` records.
    func offsets(_ count: Int) throws -> [Int64] {
        var offsets: [Int64] = []
        _ = try seen {
            if case .record(_, let offset, _) = $0 { offsets.append(offset) }
            return offsets.count == count
        }
        return offsets
    }
}

/// Runs `body`, which may block, away from Swift's threads.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await DedicatedThread(name: "kafka").run(body)
}

/// Writes numbered records into partition after partition as the key falls, and waits for them.
func write(_ values: some Sequence<Int>, to topic: String, _ cluster: MockCluster) throws {
    let writer = try TopicWriter(topic, servers: cluster.bootstrapServers)
    for value in values { try writer.write(key: "key", value: Array("\(value)".utf8)) }
    try writer.flush()
}
