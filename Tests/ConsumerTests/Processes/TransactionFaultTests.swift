import Foundation
import TestSupport
import Testing

/// A point in the transaction of a batch, as its bytes pass on the way to the database.
enum TransactionPoint: CaseIterable, Sendable {
    case inCopy
    case beforeCommit
    /// The database commits, and its answer is lost.
    case afterCommit

    func trap(_ ending: FaultProxy.Ending) -> FaultProxy.Trap {
        switch self {
        // A row in the middle of those that are written while the trap is set.
        case .inCopy: FaultProxy.Trap("\t1500.50\t", .toTarget, .beforeForwarding, ending: ending)
        case .beforeCommit: FaultProxy.Trap("COMMIT", .toTarget, .beforeForwarding, ending: ending)
        case .afterCommit: FaultProxy.Trap("COMMIT", .toTarget, .afterForwarding, ending: ending)
        }
    }
}

@Suite("A fault in the middle of a transaction")
struct TransactionFaultTests {
    @Test(
        "The connection breaks: the consumer goes on by itself, and every frame is there once", .timeLimit(.minutes(5)),
        arguments: TransactionPoint.allCases)
    func reset(_ point: TransactionPoint) async throws {
        let bench = try await ConsumerBench()
        let proxy = try await bench.startProxy()
        let consumer = try bench.startConsumer(through: proxy)
        try bench.write(0..<1_000)
        try await bench.waitUntilWritten(1_000)
        try await proxy.set(point.trap(.reset))
        try bench.write(1_000..<2_000)
        try await proxy.observed.wait { $0.trappedCount == 1 }
        try await bench.waitUntilWritten(2_000)
        try await bench.expectEveryFrameOnce(2_000)
        try await expectCleanStop(consumer)
        await proxy.stop()
    }

    @Test(
        "The consumer is killed: the one after it goes on, and every frame is there once", .timeLimit(.minutes(5)),
        arguments: TransactionPoint.allCases)
    func kill(_ point: TransactionPoint) async throws {
        let bench = try await ConsumerBench()
        let proxy = try await bench.startProxy()
        let first = try bench.startConsumer(["KAFKA_GROUP_ID": "first"], through: proxy)
        try bench.write(0..<1_000)
        try await bench.waitUntilWritten(1_000)
        // It waits for an answer that does not come, and dies waiting.
        try await proxy.set(point.trap(.silence))
        try bench.write(1_000..<2_000)
        try await proxy.observed.wait { $0.trappedCount == 1 }
        first.kill()
        #expect(try await first.exitStatus(within: .seconds(60)) == .signal(SIGKILL))
        try await proxy.cut(.reset)
        let second = try bench.startConsumer(["KAFKA_GROUP_ID": "second"], through: proxy)
        try await bench.waitUntilWritten(2_000)
        try await bench.expectEveryFrameOnce(2_000)
        try await expectCleanStop(second)
        await proxy.stop()
    }

    /// The database is never told that the first one is gone: its session holds the rows of kafka_offsets
    /// until the server ends what is idle in a transaction.
    @Test(
        "A consumer whose host vanished before COMMIT does not hold up the next one for ever", .timeLimit(.minutes(5)))
    func vanished() async throws {
        let bench = try await ConsumerBench()
        let proxy = try await bench.startProxy()
        let first = try bench.startConsumer(["KAFKA_GROUP_ID": "first"], through: proxy)
        try bench.write(0..<1_000)
        try await bench.waitUntilWritten(1_000)
        try await proxy.set(TransactionPoint.beforeCommit.trap(.silence))
        try bench.write(1_000..<2_000)
        try await proxy.observed.wait { $0.trappedCount == 1 }
        first.kill()
        let second = try bench.startConsumer(["KAFKA_GROUP_ID": "second"])
        try await bench.waitUntilWritten(2_000, within: .seconds(60))
        try await bench.expectEveryFrameOnce(2_000)
        try await expectCleanStop(second)
        await proxy.stop()
    }

    /// As above, but the server waits for the rest of the rows, in which time it ends no statement; and nobody else can
    /// write into the chunk that they make.
    @Test(
        "A consumer whose host vanished between the rows of its batch does not hold up the next one for ever",
        .timeLimit(.minutes(5)))
    func vanishedInCopy() async throws {
        let bench = try await ConsumerBench()
        let proxy = try await bench.startProxy()
        try await proxy.set(FaultProxy.Trap("\t7500.50\t", .toTarget, .beforeForwarding, ending: .silence))
        let first = try bench.startConsumer(
            ["KAFKA_GROUP_ID": "first", "CONSUMER_BATCH_LATENCY": "60s"], through: proxy)
        try bench.write(0..<10_000)
        try await proxy.observed.wait { $0.trappedCount == 1 }
        try await bench.waitForOpenCopy()
        first.kill()
        let second = try bench.startConsumer(["KAFKA_GROUP_ID": "second"])
        try await bench.waitUntilWritten(10_000, within: .seconds(60))
        try await bench.expectEveryFrameOnce(10_000)
        try await expectCleanStop(second)
        await proxy.stop()
    }

    /// A large batch sends its rows while it grows. This one cannot end: its record limit and its time are far away.
    @Test(
        "The consumer is killed with rows of an unfinished batch in the database: none of them is seen",
        .timeLimit(.minutes(5)))
    func killedWhileSending() async throws {
        let bench = try await ConsumerBench()
        let first = try bench.startConsumer(["KAFKA_GROUP_ID": "first", "CONSUMER_BATCH_LATENCY": "60s"])
        try bench.write(0..<10_000)
        try await bench.database.wait(
            for: """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'consumer' AND query LIKE 'COPY trade_data%'
                    AND state = 'active'
                """, toBe: "1", within: .seconds(60))
        #expect(try await bench.database.rows("SELECT count(*) FROM trade_data") == [["0"]])
        first.kill()
        #expect(try await first.exitStatus(within: .seconds(60)) == .signal(SIGKILL))
        let second = try bench.startConsumer(["KAFKA_GROUP_ID": "second"])
        try await bench.waitUntilWritten(10_000)
        try await bench.expectEveryFrameOnce(10_000)
        try await expectCleanStop(second)
    }

    /// As the server does by itself when a batch takes too long; it does so once it is given more rows.
    @Test("Rows of a batch that the server cancels are written by another try", .timeLimit(.minutes(5)))
    func cancelled() async throws {
        let bench = try await ConsumerBench()
        let consumer = try bench.startConsumer(["CONSUMER_BATCH_LATENCY": "6s"])
        try bench.write(0..<10_000)
        try await bench.database.wait(
            for: """
                SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'consumer' AND query LIKE 'COPY trade_data%'
                    AND state = 'active'
                """, toBe: "1", within: .seconds(60))
        try await bench.waitUntilWritten(10_000, within: .seconds(60))
        try await bench.expectEveryFrameOnce(10_000)
        try await consumer.errorLine(containing: "[SQLSTATE 57014]", within: .seconds(60))
        try await expectCleanStop(consumer)
    }

    /// Every 5 s the database is asked something, which must not end the COPY that is open meanwhile.
    @Test("A batch that sends rows for a long time is written whole", .timeLimit(.minutes(5)))
    func longBatch() async throws {
        let bench = try await ConsumerBench()
        let consumer = try bench.startConsumer(["CONSUMER_BATCH_LATENCY": "8s"])
        try bench.write(0..<10_000)
        try await bench.waitUntilWritten(10_000, within: .seconds(60))
        try await bench.expectEveryFrameOnce(10_000)
        try await expectCleanStop(consumer)
    }
}
