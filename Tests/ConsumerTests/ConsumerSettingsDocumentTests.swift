import Runtime
import TestSupport
import Testing

@testable import Consumer

@Suite("docs/settings.md tells the consumer's settings")
struct ConsumerSettingsDocumentTests {
    @Test("Its table is the one that the code declares")
    func table() throws {
        let table = settingsTable(ConsumerSettings.descriptions)
        #expect(try GeneratedPage("settings.md").mistake(in: "consumer", expecting: table) == nil)
    }
}
