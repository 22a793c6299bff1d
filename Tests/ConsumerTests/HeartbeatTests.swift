import Logging
import Runtime
import TestSupport
import Testing

@testable import Consumer

@Suite("The consumer's loop")
struct HeartbeatTests {
    @Test("It beats again and again, though it gets nothing to do", .timeLimit(.minutes(2)))
    func beats() async throws {
        let settings = try ConsumerSettings(
            in: Environment(["ADMIN_PORT": "0", "KAFKA_SERVERS": "127.0.0.1:1", "TIMESCALEDB_PORT": "1"]))
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let service = try consumerService(settings, logger)
        async let running: Void = service.run()
        // Also when it does not beat: its end is waited for.
        defer { service.loop.stop() }
        try await service.loop.heartbeat.beats(3)
        service.loop.stop()
        try await running
    }
}
