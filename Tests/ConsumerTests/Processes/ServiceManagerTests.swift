import TestSupport
import Testing

@Suite("The consumer's process and its service manager")
struct ServiceManagerTests {
    private static let limit = Duration.seconds(30)

    @Test("It is ready, and feeds the watchdog, though neither broker nor database is there", .timeLimit(.minutes(2)))
    func readyWithoutWorld() async throws {
        let bench = try await ConsumerBench()
        let socket = try NotifySocket()
        let consumer = try bench.startConsumer([
            "KAFKA_SERVERS": "127.0.0.1:1", "TIMESCALEDB_PORT": "1", "NOTIFY_SOCKET": socket.name,
            "WATCHDOG_USEC": "400000",
        ])
        let ready = try await socket.messages.first(within: Self.limit, "the first message") { _ in true }
        #expect(ready == "READY=1\nSTATUS=waiting for partitions")
        try await expectFeeding(socket)
        try await expectCleanStop(consumer)
        #expect(socket.messages.elements.contains("STOPPING=1\nSTATUS=stopping"))
    }

    @Test("It feeds the watchdog while it waits for a database that went silent", .timeLimit(.minutes(2)))
    func silentDatabase() async throws {
        let bench = try await ConsumerBench()
        let proxy = try await bench.startProxy()
        let socket = try NotifySocket()
        let consumer = try bench.startConsumer(
            ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "400000"], through: proxy)
        _ = try await socket.messages.first(within: Self.limit, "the status") {
            $0.wholeMatch(of: /STATUS=reading \d+ partitions/) != nil
        }
        try await proxy.stall()
        try bench.write(0..<100)
        try await expectFeeding(socket)
        try await proxy.cut(.reset)
        try await proxy.recover(.forgetting)
        try await bench.waitUntilWritten(100)
        try await expectCleanStop(consumer)
    }

    private func expectFeeding(_ socket: NotifySocket) async throws {
        for _ in 0..<5 {
            let position = socket.messages.count
            _ = try await socket.messages.first(after: position, within: Self.limit, "a feed") { $0 == "WATCHDOG=1" }
        }
    }
}
