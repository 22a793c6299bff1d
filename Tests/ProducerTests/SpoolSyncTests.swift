import Foundation
import Logging
import TestSupport
import Testing

@testable import Producer

@Suite("What the spool has on the disk")
struct SpoolSyncTests {
    private let frame = [UInt8](repeating: 7, count: 3_000)

    private func keeper(of spool: Spool) -> SpoolKeeper {
        SpoolKeeper(
            spool.directory, spool.state, spool.catalogue, interval: .seconds(1), logger: Logger(label: "test"))
    }

    @Test("A frame is told as what a power cut would cost until it is flushed, or Kafka has it")
    func unsynchronized() throws {
        let folder = try SpoolFolder()
        let spool = try folder.open()
        let keeper = keeper(of: spool)
        #expect(keeper.unsynchronizedFrames == 0)
        for _ in 0..<10 { try spool.append(frame) }
        #expect(keeper.unsynchronizedFrames == 10)
        spool.state.deliveredBelow = 5
        #expect(keeper.unsynchronizedFrames == 6)
        try keeper.keep()
        #expect(keeper.unsynchronizedFrames == 0 && keeper.keptCount == 1)
        try spool.append(frame)
        #expect(keeper.unsynchronizedFrames == 1)
        spool.state.deliveredBelow = spool.nextSequence
        #expect(keeper.unsynchronizedFrames == 0)
    }

    /// A file of which the system says that it cannot be flushed stands in for each of the segments.
    @Test("Each segment is flushed, and a flush that fails is none", arguments: 0..<3)
    func everySegment(_ index: Int) throws {
        let folder = try SpoolFolder(limitBytes: 4 << 20)
        let spool = try folder.open()
        while spool.catalogue.count < 3 { try spool.append(frame) }
        let file = try folder.segments()[index]
        try FileManager.default.moveItem(atPath: file, toPath: file + ".kept")
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: "/dev/null")
        let keeper = keeper(of: spool)
        #expect(throws: SpoolError.self) { try keeper.keep() }
        #expect(keeper.unsynchronizedFrames == spool.state.lastSequence && keeper.keptCount == 0)
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.moveItem(atPath: file + ".kept", toPath: file)
        try keeper.keep()
        #expect(keeper.unsynchronizedFrames == 0 && keeper.keptCount == 1)
    }

    @Test("The producer flushes it again and again, also when Kafka takes nothing", .timeLimit(.minutes(2)))
    func process() async throws {
        let bench = try await ProducerBench(session: .seeded(frameCount: 1_000))
        bench.kafka.setDown()
        let port = try AdminPort()
        let producer = try bench.startProducer(port.settings.merging(["SPOOL_SYNC_INTERVAL": "20ms"]) { $1 })
        try await port.wait(for: "ticker_producer_frames_received_total") { $0 == 1_000 }
        try await port.wait(for: "ticker_producer_spool_unsynced_frames") { $0 == 0 }
        let metrics = try await port.metrics()
        #expect(metrics["ticker_producer_spool_waiting_frames"] == 1_000, "the disk has them, not Kafka")
        let syncs = try #require(metrics["ticker_producer_spool_syncs_total"])
        try await port.wait(for: "ticker_producer_spool_syncs_total") { $0 > syncs }
        try await expectCleanStop(producer)
    }
}
