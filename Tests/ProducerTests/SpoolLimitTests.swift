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

    @Test("A disk that gets full does the same, with room for one segment or for more", arguments: ["3m", "7m"])
    func disk(_ size: String) async throws {
        let bench = try await ProducerBench(session: .seeded(frameCount: total), playback: Playback(start: .manual))
        let producer = try await bench.startProducer(["SPOOL_SYNC_INTERVAL": "50ms"], mount: "size=\(size)")
        try await fill(bench, producer, "the spool's disk is full: the socket waits. Make room on it")
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
