/// The settings of one service, as its `--help` shows them.
package func settingsHelp(_ settings: [SettingDescription]) -> String {
    settings.map { setting in
        let value = setting.defaultText.map { " (default \($0))" } ?? ""
        let secret = setting.isSecret ? " Secret: can come from \(setting.name)_FILE." : ""
        return "  \(setting.name)\(value)\n      \(setting.help)\(secret)"
    }.joined(separator: "\n")
}
