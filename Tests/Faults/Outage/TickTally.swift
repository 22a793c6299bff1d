import Kafka
import Market
import Runtime
import Synchronization
import TestSupport

/// Reads the ticks' topic while it grows, and ticks off which numbers came.
final class TickTally: Sendable {
    struct Counts: Sendable {
        /// Different ticks.
        var ticks = 0
        /// Records of ticks that had come before.
        var repeats = 0
        /// Records that are no numbered tick.
        var strangers = 0
        /// Records that tell of a gap before them.
        var gaps = 0
    }

    let observed = WatchedValue(Counts())
    private let broker: Broker
    private let tickCount: Int
    private let isStopped = Atomic(false)
    private let thread = DedicatedThread(name: "tally")

    init(_ broker: Broker, tickCount: Int) {
        self.broker = broker
        self.tickCount = tickCount
    }

    func stop() { isStopped.store(true, ordering: .releasing) }

    /// Reads until ``stop()``. It reads faster than anybody writes, so that the mock cluster need not keep much.
    func run() async throws {
        try await thread.run { [self] in
            let consumer = try KafkaConsumer(
                group: "tally",
                properties: [("bootstrap.servers", broker.servers), ("reconnect.backoff.max.ms", "200")])
            try consumer.assign(
                (0..<broker.partitions).map {
                    (TopicPartition(topic: broker.topic, partition: Int32($0)), .beginning)
                })
            var seen = [Bool](repeating: false, count: tickCount + 1)
            var counts = Counts()
            while !isStopped.load(ordering: .acquiring) {
                for _ in 0..<1_000 {
                    guard try read(consumer, &seen, &counts) else { break }
                }
                let counts = counts
                observed.update { $0 = counts }
            }
        }
    }

    /// False when nothing came for a while.
    private func read(_ consumer: KafkaConsumer, _ seen: inout [Bool], _ counts: inout Counts) throws -> Bool {
        var isRecord = false
        try consumer.poll(timeoutMilliseconds: 10) { (event: KafkaConsumer.Event) throws(SetupError) in
            switch event {
            case .record(let record):
                isRecord = true
                guard let number = number(of: record), seen.indices.contains(number) else {
                    counts.strangers += 1
                    return
                }
                record.forEachHeader { name, _ in
                    if name.elementsEqual(gapHeader) { counts.gaps += 1 }
                }
                if seen[number] { counts.repeats += 1 } else { counts.ticks += 1 }
                seen[number] = true
            case .error(let error, _) where error.isFatal: throw SetupError("\(error)")
            default: break
            }
        }
        return isRecord
    }

    private func number(of record: KafkaRecord) -> Int? {
        guard let value = record.value, let tick = try? Tick(parsing: value),
            let volume = try? Numeric(UnsafeRawBufferPointer(rebasing: value[tick.volume]))
        else { return nil }
        return Int(volume.units / 10 % 100_000_000)
    }
}

private let gapHeader = "\(Gap.headerName)".utf8
