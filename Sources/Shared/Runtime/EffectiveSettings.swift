/// Every setting that is in force, as a line of a `.env` file with a comment that says where it comes from.
///
/// Never a secret; and what is malformed is shown as it was given.
func effectiveSettings(_ settings: [SettingDescription], in environment: Environment) -> [String] {
    settings.flatMap { setting in
        setting.name == KafkaSettings.passThrough.name
            ? KafkaSettings.passedThrough(in: environment).map { passedThroughLine($0, environment) }
            : [line(of: setting, environment)]
    }
}

private func line(of setting: SettingDescription, _ environment: Environment) -> String {
    let name = setting.name
    do throws(ConfigurationError) {
        if let found = try environment.find(name, isSecret: setting.isSecret) {
            return "\(name)=\(setting.isSecret ? mask : shown(found.text))  # \(found.origin)"
        }
    } catch {
        return "#\(name)=  # \(error)"
    }
    guard let text = setting.defaultText ?? setting.unset(environment) else { return "#\(name)=  # not set" }
    return "\(name)=\(shown(text))  # default"
}

private func passedThroughLine(_ variable: String, _ environment: Environment) -> String {
    let property = KafkaSettings.propertyName(variable)
    do throws(ConfigurationError) {
        guard let found = try environment.find(variable, isSecret: true) else { return "#\(variable)=  # not set" }
        let isSecret = found.origin.isSecretFile || KafkaSettings.isSecret(property)
        return "\(variable)=\(isSecret ? mask : shown(found.text))  # \(found.origin), librdkafka's \(property)"
    } catch {
        return "#\(variable)=  # \(error)"
    }
}

/// The same for every secret: its length says something, too.
private let mask = "********"

/// A value as a `.env` file has it, on one line.
private func shown(_ value: String) -> String {
    let line = oneLine(value)
    return line.contains { " #\"'".contains($0) } ? "\"\(line)\"" : line
}
