import Glibc
import TestSupport
import Testing

@Suite("The producer's process and its service manager")
struct ServiceManagerProcessTests {
    private static let limit = Duration.seconds(30)

    @Test("It is ready, and feeds the watchdog, though neither exchange nor Kafka is there", .timeLimit(.minutes(2)))
    func readyWithoutWorld() async throws {
        let bench = try await ProducerBench()
        let socket = try NotifySocket()
        let producer = try bench.startProducer([
            "UPBIT_WEBSOCKET_URL": "wss://127.0.0.1:1/", "UPBIT_MARKETS_URL": "https://127.0.0.1:1/",
            "UPBIT_MARKETS": "KRW-BTC", "KAFKA_SERVERS": "127.0.0.1:1", "NOTIFY_SOCKET": socket.name,
            "WATCHDOG_USEC": "400000",
        ])
        let ready = try await socket.messages.first(within: Self.limit, "the first message") { _ in true }
        #expect(ready == "READY=1\nSTATUS=connecting")
        _ = try await socket.messages.first(within: Self.limit, "the status") { $0.hasPrefix("STATUS=not connected: ") }
        for _ in 0..<5 {
            let position = socket.messages.count
            _ = try await socket.messages.first(after: position, within: Self.limit, "a feed") { $0 == "WATCHDOG=1" }
        }
        try await expectCleanStop(producer)
        #expect(socket.messages.elements.contains("STOPPING=1\nSTATUS=stopping"))
    }

    @Test("Its status says what it receives", .timeLimit(.minutes(1)))
    func status() async throws {
        let bench = try await ProducerBench()
        let socket = try NotifySocket()
        let producer = try bench.startProducer(["NOTIFY_SOCKET": socket.name])
        _ = try await socket.messages.first(within: Self.limit, "the status") {
            $0.wholeMatch(of: /STATUS=receiving \d+ markets/) != nil
        }
        #expect(!socket.messages.elements.contains("WATCHDOG=1"), "nobody asked for it")
        try await expectCleanStop(producer)
    }
}
