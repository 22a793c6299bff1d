import TestSupport
import Testing

@testable import Consumer

@Suite("The README tells the consumer's settings")
struct ConsumerReadmeTests {
    @Test("Its table is the one that the code declares")
    func table() throws {
        let table = SettingsMarkdown.table(ConsumerSettings.descriptions)
        #expect(try SettingsMarkdown.readme().contains(table), "put this into README.md:\n\(table)")
    }
}
