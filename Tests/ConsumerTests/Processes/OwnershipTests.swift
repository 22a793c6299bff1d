import Foundation
import TestSupport
import Testing

@Suite("Two consumers that believe they own a partition")
struct OwnershipTests {
    private static let gaveWay = "another consumer wrote these partitions"

    @Test("Of two groups that read the same topic, one gives way at every step", .timeLimit(.minutes(5)))
    func twoGroups() async throws {
        let bench = try await ConsumerBench()
        let settings = ["CONSUMER_BATCH_ROWS": "50"]
        let consumers = try ["one", "other"].map {
            try bench.startConsumer(settings.merging(["KAFKA_GROUP_ID": $0]) { $1 })
        }
        for consumer in consumers { try await consumer.errorLine(containing: "fetching", within: .seconds(60)) }
        for start in stride(from: 0, to: 10_000, by: 500) { try bench.write(start..<start + 500) }
        try await bench.waitUntilWritten(10_000)
        try await bench.expectEveryFrameOnce(10_000)
        // Each read the first records, and one of them was too late with them; that one may hear of it later still.
        try await withThrowingTaskGroup { group in
            for consumer in consumers {
                group.addTask { try await consumer.errorLine(containing: Self.gaveWay, within: .seconds(60)) }
            }
            _ = try await group.next()
            group.cancelAll()
        }
        for consumer in consumers { try await expectCleanStop(consumer) }
    }

    @Test("One that was stopped with records at hand gives way to the one that wrote them", .timeLimit(.minutes(5)))
    func stoppedWithBatch() async throws {
        let bench = try await ConsumerBench()
        let first = try bench.startConsumer(["CONSUMER_BATCH_LATENCY": "30s", "CONSUMER_BATCH_ROWS": "600"])
        try await first.errorLine(containing: "fetching", within: .seconds(60))
        try bench.write(0..<1_000)
        // The first batch is full and written; the records behind it wait in the second.
        try await bench.waitUntilWritten(600)
        first.send(SIGSTOP)
        let second = try bench.startConsumer()
        try await bench.waitUntilWritten(1_000)
        first.send(SIGCONT)
        try await first.errorLine(containing: Self.gaveWay, within: .seconds(60))
        try bench.write(1_000..<2_000)
        second.kill()
        try await bench.waitUntilWritten(2_000)
        try await bench.expectEveryFrameOnce(2_000)
        first.kill()
    }

    @Test("One that was stopped in its transaction loses it, and comes back", .timeLimit(.minutes(5)))
    func stoppedInTransaction() async throws {
        let bench = try await ConsumerBench()
        let proxy = try await bench.startProxy()
        let first = try bench.startConsumer(through: proxy)
        try bench.write(0..<1_000)
        try await bench.waitUntilWritten(1_000)
        try await proxy.set(TransactionPoint.beforeCommit.trap(.silence))
        try bench.write(1_000..<2_000)
        try await proxy.observed.wait { $0.trappedCount == 1 }
        first.send(SIGSTOP)
        let second = try bench.startConsumer()
        try await bench.waitUntilWritten(2_000)
        let position = first.errors.count
        try await proxy.cut(.reset)
        first.send(SIGCONT)
        try await first.errorLine(containing: "assigned", after: position, within: .seconds(60))
        try bench.write(2_000..<3_000)
        try await bench.waitUntilWritten(3_000)
        try await bench.expectEveryFrameOnce(3_000)
        try await expectCleanStop(first)
        try await expectCleanStop(second)
        await proxy.stop()
    }

    /// Its COPY waits for rows, where the server ends no statement; and until its transaction ends, nobody else can
    /// write into the chunk that it makes.
    @Test("One that was stopped between the rows of its batch holds nobody up, and comes back", .timeLimit(.minutes(5)))
    func stoppedInCopy() async throws {
        let bench = try await ConsumerBench()
        let first = try bench.startConsumer(["CONSUMER_BATCH_LATENCY": "60s", "KAFKA_GROUP_ID": "first"])
        try bench.write(0..<10_000)
        try await bench.waitForOpenCopy()
        first.send(SIGSTOP)
        let second = try bench.startConsumer(["KAFKA_GROUP_ID": "second"])
        try await bench.waitUntilWritten(10_000)
        try await second.errorLine(containing: "ended the session of a consumer that stalls", within: .seconds(60))
        let position = first.errors.count
        first.send(SIGCONT)
        try await first.errorLine(containing: "the database is away", after: position, within: .seconds(60))
        try bench.write(10_000..<12_000)
        try await bench.waitUntilWritten(12_000)
        try await bench.expectEveryFrameOnce(12_000)
        try await expectCleanStop(first)
        try await expectCleanStop(second)
    }

    @Test("Members that join, leave and die all the while lose and double nothing", .timeLimit(.minutes(5)))
    func changingGroup() async throws {
        let bench = try await ConsumerBench(partitions: 8)
        let settings = ["CONSUMER_BATCH_ROWS": "100"]
        let first = try bench.startConsumer(settings)
        try bench.write(0..<2_000)
        try await first.errorLine(containing: "written", within: .seconds(60))
        let second = try bench.startConsumer(settings)
        try await second.errorLine(containing: "fetching", within: .seconds(60))
        try bench.write(2_000..<4_000)
        try await expectCleanStop(first)
        let third = try bench.startConsumer(settings)
        try bench.write(4_000..<6_000)
        try await third.errorLine(containing: "fetching", within: .seconds(60))
        second.kill()
        try bench.write(6_000..<8_000)
        try await bench.waitUntilWritten(8_000)
        try await bench.expectEveryFrameOnce(8_000)
        try await expectCleanStop(third)
    }
}
