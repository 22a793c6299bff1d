import Runtime
import TestSupport
import Testing

@testable import Producer

@Suite("docs/settings.md tells the producer's settings")
struct ProducerSettingsDocumentTests {
    @Test("Its table is the one that the code declares")
    func table() throws {
        let table = settingsTable(ProducerSettings.descriptions)
        #expect(try GeneratedPage("settings.md").mistake(in: "producer", expecting: table) == nil)
    }
}
