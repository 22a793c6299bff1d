import Foundation
import Glibc
import Runtime
import Synchronization
import TestSupport
import Testing

@Suite("A consumer that is asked to stop")
struct StopTests {
    /// More is written until the consumer has gone, so there is always more for it to do. A stop that takes longer
    /// than it may ends with another exit code.
    @Test(
        "SIGTERM at full load ends it in order and in time, and the one after it misses nothing",
        .timeLimit(.minutes(5)))
    func fullLoad() async throws {
        let kafka = try MemoryKafka(topics: [ConsumerBench.topic: 4])
        let bench = try await ConsumerBench(partitions: 1)
        let load = Load()
        async let loading = load.run(kafka.servers)
        defer { load.stop() }
        try await load.written.wait { $0 >= 50_000 }
        let settings = ["KAFKA_SERVERS": kafka.servers]
        let first = try bench.startConsumer(settings)
        try await first.errorLine(containing: "written", within: .seconds(60))
        try await expectCleanStop(first)
        let rows = try await bench.database.rows("SELECT count(*) FROM trade_data")
        #expect(try await bench.database.rows("SELECT sum(next_offset) FROM kafka_offsets") == rows)
        let atEnd = load.written.value
        try await load.written.wait { $0 > atEnd }
        load.stop()
        let total = try await loading
        let second = try bench.startConsumer(settings)
        try await bench.waitUntilWritten(total)
        try await bench.expectEveryFrameOnce(total)
        try await expectCleanStop(second)
    }

    @Test(
        "A second signal ends it at once, wherever its transaction is, and the one after it misses nothing",
        .timeLimit(.minutes(5)), arguments: TransactionPoint.allCases)
    func secondSignal(_ point: TransactionPoint) async throws {
        let bench = try await ConsumerBench()
        let proxy = try await bench.startProxy()
        let first = try bench.startConsumer(["KAFKA_GROUP_ID": "first"], through: proxy)
        try bench.write(0..<1_000)
        try await bench.waitUntilWritten(1_000)
        // It waits for an answer that does not come.
        try await proxy.set(point.trap(.silence))
        try bench.write(1_000..<2_000)
        try await proxy.observed.wait { $0.trappedCount == 1 }
        first.send(SIGTERM)
        try await first.errorLine(containing: "stopping", within: .seconds(60))
        first.send(SIGTERM)
        #expect(try await first.exitStatus(within: .seconds(60)) == .signal(SIGTERM))
        try await proxy.cut(.reset)
        let second = try bench.startConsumer(["KAFKA_GROUP_ID": "second"])
        try await bench.waitUntilWritten(2_000)
        try await bench.expectEveryFrameOnce(2_000)
        try await expectCleanStop(second)
        await proxy.stop()
    }
}

/// Frames that are written as fast as Kafka takes them, from 0 on.
private final class Load: Sendable {
    /// How many frames Kafka has.
    let written = WatchedValue(0)
    private let isStopping = Atomic(false)
    private let thread = DedicatedThread(name: "load")

    /// Writes until ``stop()``.
    ///
    /// - Returns: how many frames Kafka has.
    func run(_ servers: String) async throws -> Int {
        try await thread.run { [self] in
            let writer = try TopicWriter(ConsumerBench.topic, servers: servers)
            var count = 0
            while !isStopping.load(ordering: .acquiring) {
                for number in count..<count + 1_000 {
                    let code = "KRW-M\(number % 17)"
                    try writer.write(key: code, value: Array(ConsumerBench.frame(number, code: code).utf8))
                }
                try writer.flush()
                count += 1_000
                written.update { $0 = count }
            }
            return count
        }
    }

    func stop() { isStopping.store(true, ordering: .releasing) }
}
