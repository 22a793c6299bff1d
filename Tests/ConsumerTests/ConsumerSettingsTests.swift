import Postgres
import Runtime
import Testing

@testable import Consumer

@Suite("The consumer's settings")
struct ConsumerSettingsTests {
    @Test(
        "A broker keeps an empty answer back no longer than a record may wait, and 100 ms at most",
        arguments: [("10ms", 10), ("100ms", 100), ("250ms", 100), ("60s", 100), ("1ms", 1)])
    func fetchWait(_ latency: String, _ milliseconds: Int) throws {
        let settings = try ConsumerSettings(in: Environment(["CONSUMER_BATCH_LATENCY": latency]))
        #expect(settings.fetchWaitMilliseconds == milliseconds)
    }

    @Test(
        "A statement may last as long as a batch may grow, and half a minute",
        arguments: [("250ms", "30250ms"), ("60s", "90000ms")])
    func statementTimeout(_ latency: String, _ timeout: String) throws {
        let settings = try ConsumerSettings(in: Environment(["CONSUMER_BATCH_LATENCY": latency]))
        #expect(settings.database.sessionSettings.contains { $0 == ("statement_timeout", timeout) })
    }
}
