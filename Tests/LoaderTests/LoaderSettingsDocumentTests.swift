import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("docs/settings.md tells the loader's settings")
struct LoaderSettingsDocumentTests {
    @Test("Its table is the one that the code declares")
    func table() throws {
        let table = settingsTable(LoaderSettings.descriptions)
        #expect(try GeneratedPage("settings.md").mistake(in: "loader", expecting: table) == nil)
    }
}
