import Foundation
import Glibc
import Market
import TestSupport
import Testing

@Suite("The limits of the producer's spool", .timeLimit(.minutes(5)))
struct SpoolLimitTests {
    private let total = 40_000

    /// Fills the spool while the broker is away, then has it back: nothing is lost, and the pause is a gap.
    private func fill(_ bench: ProducerBench, _ producer: ChildProcess, _ message: String) async throws {
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        bench.kafka.setDown()
        try await bench.exchange.resume()
        try await producer.errorLine(containing: message, within: .seconds(60))
        bench.kafka.setUp()
        try await bench.waitUntilPublished(total)
        try await bench.waitForGaps(1)
        try await expectCleanStop(producer)
        #expect(try bench.records().map(\.sequence).sorted() == Array(1...UInt64(total)))
        #expect(producer.errors.elements.count { $0.contains(message) } >= 1)
        let gaps = try bench.gaps()
        #expect(!gaps.isEmpty && gaps.allSatisfy { $0.reason == .spoolFull && $0.from <= $0.to })
    }

    @Test("A spool at its limit stops the reading of the socket, says so, and goes on when there is room")
    func limit() async throws {
        let bench = try await ProducerBench(session: .seeded(frameCount: total), playback: Playback(start: .manual))
        let producer = try bench.startProducer(["SPOOL_MAX_BYTES": "2MiB", "SPOOL_SYNC_INTERVAL": "50ms"])
        try await fill(
            bench, producer, "the spool is full: the socket waits. Bring Kafka back, or raise SPOOL_MAX_BYTES")
    }

    @Test("A disk that gets full does the same, with room for one segment or for more", arguments: ["4m", "9m"])
    func disk(_ size: String) async throws {
        let bench = try await ProducerBench(session: .seeded(frameCount: total), playback: Playback(start: .manual))
        let producer = try await bench.startProducer(["SPOOL_SYNC_INTERVAL": "50ms"], mount: "size=\(size)")
        try await fill(bench, producer, "the spool's disk is full: the socket waits. Make room on it")
    }

    @Test("Killed with a full spool: every frame that had come off the socket is sent, and the gap begins behind it")
    func killedWhenFull() async throws {
        let session = Session.seeded(frameCount: total)
        let bench = try await ProducerBench(session: session, playback: Playback(start: .manual))
        let port = try AdminPort()
        let first = try bench.startProducer(port.settings.merging(["SPOOL_MAX_BYTES": "2MiB"]) { $1 })
        try await expectAllKept(bench, session, first, port, "the spool is full") { try bench.startProducer() }
    }

    @Test("The same on a disk that is full")
    func killedOnFullDisk() async throws {
        let session = Session.seeded(frameCount: total)
        let bench = try await ProducerBench(session: session, playback: Playback(start: .manual))
        let port = try AdminPort()
        let first = try await bench.startProducer(port.settings, mount: "size=9m")
        try await expectAllKept(bench, session, first, port, "the spool's disk is full") {
            try bench.startProducerOnDisk()
        }
    }

    private func expectAllKept(
        _ bench: ProducerBench, _ session: Session, _ first: ChildProcess, _ port: AdminPort, _ message: String,
        _ start: () throws -> ChildProcess
    ) async throws {
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        bench.kafka.setDown()
        try await bench.exchange.resume()
        try await first.errorLine(containing: message, within: .seconds(60))
        // Or more: it is said within the read that fills the spool.
        let received = UInt64(try #require(try await port.metrics()["ticker_producer_frames_received_total"]))
        first.kill()
        _ = try await first.exitStatus(within: .seconds(60))
        bench.kafka.setUp()
        let second = try start()
        try await bench.waitUntilPublished(through: received)
        try await bench.waitForGaps(1)
        let gap = try #require(try bench.gaps().first { $0.reason == .restart })
        let behind = try await bench.waitForRecords { $0.contains { $0.headers["gap"] == gap.header } }
            .first { $0.headers["gap"] == gap.header }
        let next = try #require(behind?.sequence)
        try await expectCleanStop(second)
        let records = try bench.records()
        let sent = session.frames().map(\.bytes)
        for record in records where record.sequence < next {
            #expect(record.value == sent[Int(record.sequence) - 1], "frame \(record.sequence) of \(received)")
        }
        #expect(next > received)
        let last = try #require(records.first { $0.sequence == next - 1 })
        #expect(last.headers["received"] == "\(gap.from)")
    }

    @Test("A spool of which Kafka takes all is never full, however seldom it is written to the disk")
    func seldomKept() async throws {
        let total = 30_000
        let bench = try await ProducerBench(
            session: .seeded(frameCount: total),
            playback: Playback(.framesPerSecond(10_000), absence: .waits, start: .manual))
        let port = try AdminPort()
        let producer = try bench.startProducer(
            port.settings.merging(["SPOOL_MAX_BYTES": "8MiB", "SPOOL_SYNC_INTERVAL": "60s"]) { $1 })
        try await bench.exchange.observed.wait { !$0.subscriptions.isEmpty }
        for step in 1...15 {
            // Never much more than Kafka has, nor than a slow disk has let go: that would fill the spool rightly.
            try await bench.exchange.resume()
            let count = step * total / 15
            try await bench.exchange.observed.wait { $0.playback.playedCount >= count }
            try await bench.exchange.pause()
            try await bench.waitUntilPublished(count)
            try await port.wait(for: "ticker_producer_spool_bytes") { $0 < 6_700_000 }
        }
        try await expectCleanStop(producer)
        #expect(try bench.gaps().isEmpty && !producer.errors.elements.contains { $0.contains("the spool is full") })
    }

    @Test("A folder that cannot be one stops the producer with one line that names the setting")
    func unusable() async throws {
        let bench = try await ProducerBench()
        let file = "\(bench.folder)/file"
        try Data().write(to: URL(filePath: file))
        for folder in [file, "\(file)/spool", "/proc/spool"] {
            let producer = try bench.startProducer(["SPOOL_DIRECTORY": folder])
            #expect(try await producer.exitStatus(within: .seconds(60)) == .code(78))
            let line = try await producer.errorLine(containing: "error: SPOOL_DIRECTORY: ", within: .seconds(60))
            #expect(line.contains(folder) && line.contains("name a folder that this user may write to"))
        }
    }

    @Test("So does a folder that is read-only, and a disk that is full from the start")
    func noRoom() async throws {
        let bench = try await ProducerBench()
        let readOnly = try await bench.startProducer(mount: "ro")
        #expect(try await readOnly.exitStatus(within: .seconds(60)) == .code(78))
        try await readOnly.errorLine(containing: "Read-only file system", within: .seconds(60))
        let full = try await bench.startProducer(mount: "size=1m")
        #expect(try await full.exitStatus(within: .seconds(60)) == .code(69))
        try await full.errorLine(containing: "error: SPOOL_DIRECTORY: no room for", within: .seconds(60))
    }

    @Test("A second producer on the same folder does not start")
    func second() async throws {
        let bench = try await ProducerBench()
        let first = try bench.startProducer()
        try await first.errorLine(containing: "connected", within: .seconds(60))
        let second = try bench.startProducer()
        #expect(try await second.exitStatus(within: .seconds(60)) == .code(69))
        try await second.errorLine(containing: "another producer (process \(first.processID))", within: .seconds(60))
        try await expectCleanStop(first)
    }

    @Test("A limit that has no room for the largest frames is a mistake in the settings")
    func small() async throws {
        let bench = try await ProducerBench()
        let producer = try bench.startProducer(["SPOOL_MAX_BYTES": "16MiB", "UPBIT_MAX_FRAME_BYTES": "16MiB"])
        #expect(try await producer.exitStatus(within: .seconds(60)) == .code(78))
        try await producer.errorLine(containing: "SPOOL_MAX_BYTES: 16777216 is less than", within: .seconds(60))
    }
}
