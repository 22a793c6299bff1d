import Foundation
import TestSupport
import Testing

@Suite("Something that the consumer needs is away")
struct OutageTests {
    enum Absence: CaseIterable, Sendable {
        /// Nobody listens on the port.
        case refused
        /// Connections are made and then hear nothing.
        case silent
    }

    @Test(
        "A database that is back is written to, however long it was away", .timeLimit(.minutes(5)),
        arguments: Absence.allCases)
    func database(_ absence: Absence) async throws {
        let bench = try await ConsumerBench()
        let proxy = try await bench.startProxy()
        let consumer = try bench.startConsumer(through: proxy)
        try bench.write(0..<1_000)
        try await bench.waitUntilWritten(1_000)
        switch absence {
        case .refused: try await proxy.setRefusing(true)
        case .silent: try await proxy.stall()
        }
        try await proxy.cut(.reset)
        try bench.write(1_000..<2_000)
        // Long enough for the waits between its attempts to be as long as they get.
        try await consumer.errorLines(containing: "the database is away", count: 6, within: .seconds(120))
        switch absence {
        case .refused: try await proxy.setRefusing(false)
        case .silent: try await proxy.recover(.forgetting)
        }
        try await bench.waitUntilWritten(2_000)
        try await bench.expectEveryFrameOnce(2_000)
        try await expectCleanStop(consumer)
        await proxy.stop()
    }

    @Test("A partition whose leader changes is read on where it was", .timeLimit(.minutes(5)))
    func leaderChange() async throws {
        let bench = try await ConsumerBench(partitions: 3, brokers: 3)
        let consumer = try bench.startConsumer()
        for round in 0..<4 {
            for partition in 0..<3 {
                bench.kafka.setLeader(ConsumerBench.topic, partition: partition, broker: 1 + (partition + round) % 3)
            }
            try bench.write(round * 500..<(round + 1) * 500)
            try await bench.waitUntilWritten((round + 1) * 500)
        }
        try await bench.expectEveryFrameOnce(2_000)
        try await expectCleanStop(consumer)
    }

    @Test("A disk that is full holds it up until there is room again", .timeLimit(.minutes(5)))
    func diskFull() async throws {
        let server = try await TimescaleServer(diskMegabytes: 48)
        let bench = try await ConsumerBench(server: server, tablespace: TimescaleServer.diskTablespace)
        let consumer = try bench.startConsumer()
        try bench.write(0..<1_000)
        try await bench.waitUntilWritten(1_000)
        try #require(server.disk).fill()
        // More than the room in the pages that the table has.
        try bench.write(1_000..<20_000)
        try await consumer.errorLine(containing: "[SQLSTATE 53100]", within: .seconds(60))
        try server.disk?.empty()
        try await bench.waitUntilWritten(20_000, within: .seconds(60))
        try await bench.expectEveryFrameOnce(20_000)
        try await expectCleanStop(consumer)
        try await server.stop()
    }
}
