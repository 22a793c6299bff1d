import TestSupport
import Testing

@testable import Loader

@Suite("The README tells the loader's settings")
struct LoaderReadmeTests {
    @Test("Its table is the one that the code declares")
    func table() throws {
        let table = SettingsMarkdown.table(LoaderSettings.descriptions)
        #expect(try SettingsMarkdown.readme().contains(table), "put this into README.md:\n\(table)")
    }
}
