import TestSupport
import Testing

@testable import Producer

@Suite("The README tells the producer's settings")
struct ProducerReadmeTests {
    @Test("Its table is the one that the code declares")
    func table() throws {
        let table = SettingsMarkdown.table(ProducerSettings.descriptions)
        #expect(try SettingsMarkdown.readme().contains(table), "put this into README.md:\n\(table)")
    }
}
