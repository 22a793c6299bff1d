import Kafka
import Runtime
import Synchronization
import TestSupport

/// Reads what comes into a topic, as any consumer could, to tell when a record is there to be had.
final class TopicTail: Sendable {
    private let consumer: KafkaConsumer
    private let thread = DedicatedThread(name: "topic-tail")
    private let records: Atomic<Int>
    private let isStopping = Atomic(false)

    /// How many records the topic ever had, as far as they came here.
    var recordCount: Int { records.load(ordering: .acquiring) }

    /// Begins behind what the topic has now; blocks for as long as the broker takes to tell.
    init(_ broker: Broker) throws {
        consumer = try KafkaConsumer(group: "topic-tail", properties: [("bootstrap.servers", broker.servers)])
        let partitions = (0..<Int32(broker.partitions)).map { TopicPartition(topic: broker.topic, partition: $0) }
        let ends = try consumer.ends(of: partitions, timeoutMilliseconds: 10_000)
        guard ends.count == partitions.count else { throw SetupError("not every end of \(broker.topic) is known") }
        records = Atomic(ends.values.reduce(0) { $0 + Int($1) })
        try consumer.assign(ends.map { ($0.key, .at($0.value)) })
    }

    /// Reads for as long as `body` runs.
    func during<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        async let reading: Void = thread.run { self.read() }
        do {
            let result = try await body()
            stop()
            try await reading
            return result
        } catch {
            stop()
            throw error
        }
    }

    private func read() {
        while !isStopping.load(ordering: .acquiring) {
            consumer.poll(timeoutMilliseconds: 1_000) { event in
                if case .record = event { records.add(1, ordering: .releasing) }
            }
        }
    }

    private func stop() {
        isStopping.store(true, ordering: .releasing)
        consumer.wake()
    }
}
