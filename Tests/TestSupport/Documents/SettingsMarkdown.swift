import Foundation
package import Runtime

/// The README's tables of settings, which must say what the code says.
package enum SettingsMarkdown {
    package static func table(_ settings: [SettingDescription]) -> String {
        let rows = settings.map { setting in
            let secret = setting.isSecret && setting.name.hasSuffix("_PASSWORD") ? " Secret." : ""
            let help = (setting.help + secret).replacing("|", with: "\\|").replacing("*", with: "\\*")
            return "| `\(setting.name)` | \(setting.defaultText.map { "`\($0)`" } ?? "") | \(help) |"
        }
        return (["| setting | default | meaning |", "|---|---|---|"] + rows).joined(separator: "\n")
    }

    /// The repository's README, found from this file's place in it.
    package static func readme(_ file: String = #filePath) throws -> String {
        var folder = URL(filePath: file)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        return try String(contentsOf: folder.appending(path: "README.md"), encoding: .utf8)
    }
}
