import Logging
import Runtime
import TestSupport
import Testing

@testable import Producer

@Suite("The producer's loops")
struct HeartbeatTests {
    @Test("Each beats again and again, though nothing happens on it", .timeLimit(.minutes(2)))
    func beats() async throws {
        let folder = try TemporaryFolder()
        let settings = try ProducerSettings(
            in: Environment([
                "UPBIT_WEBSOCKET_URL": "wss://127.0.0.1:1/", "UPBIT_MARKETS_URL": "https://127.0.0.1:1/",
                "UPBIT_MARKETS": "KRW-BTC", "ADMIN_PORT": "0", "KAFKA_SERVERS": "127.0.0.1:1",
                "SPOOL_DIRECTORY": "\(folder.path)/spool",
            ]))
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let service = try producerService(settings, logger)
        async let running: Void = service.run()
        // Also when it does not beat: its end is waited for.
        defer { service.feed.stop() }
        // The first may be the one of the start.
        try await service.feed.heartbeat.beats(3)
        try await service.deliveries.heartbeat.beats(3)
        service.feed.stop()
        try await running
    }
}
