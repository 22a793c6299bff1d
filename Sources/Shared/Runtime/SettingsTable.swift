/// The settings of one service, as its `--help` shows them.
package func settingsHelp(_ settings: [SettingDescription]) -> String {
    settings.map { setting in
        let value = setting.defaultText.map { " (default \($0))" } ?? ""
        let secret = setting.isSecret ? " Secret: can come from \(setting.name)_FILE." : ""
        return "  \(setting.name)\(value)\n      \(setting.help)\(secret)"
    }.joined(separator: "\n")
}

/// The settings of one service, as docs/settings.md shows them.
package func settingsTable(_ settings: [SettingDescription]) -> String {
    let rows = settings.map { setting in
        let secret = setting.isSecret ? " Secret: can come from `\(setting.name)_FILE`." : ""
        let cells = [
            "`\(setting.name)`", setting.defaultText.map { "`\($0)`" } ?? "", markdown(setting.expected),
            markdown(setting.help) + secret,
        ]
        return "| \(cells.joined(separator: " | ")) |"
    }
    return (["| setting | default | takes | meaning |", "|---|---|---|---|"] + rows).joined(separator: "\n")
}

private func markdown(_ text: String) -> String {
    text.replacing("|", with: "\\|").replacing("*", with: "\\*").replacing("<", with: "\\<")
}
