import Postgres
import Runtime
import Testing

@testable import Consumer

@Suite("Settings of the consumer")
struct ConsumerSettingsTests {
    @Test("A database that goes silent is given up, in less time than Kafka keeps a member that does not come back")
    func answerTimeout() throws {
        let settings = try ConsumerSettings(Environment([:]))
        let limit = try #require(settings.database.answerTimeout)
        #expect(limit >= .seconds(30) && limit * 5 / 4 < .seconds(300))
    }
}
