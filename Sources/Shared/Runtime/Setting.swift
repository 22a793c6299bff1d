/// One setting: the name of its variable, its default, how its text is read, and what it means.
///
/// Settings are declared once, as values, so that `--help`, the README's table and the error for a
/// malformed value say the same.
package struct Setting<Value: Sendable>: Sendable {
    private let name: String
    private let defaultText: String?
    private let help: String
    private let isSecret: Bool
    private let unset: @Sendable (Environment) -> String?
    private let expected: String
    private let parse: @Sendable (String) -> Value?

    /// - Parameters:
    ///   - defaultText: as a user would write it; nil when the setting must be given or has no default.
    ///   - unset: what is taken, of what the environment says otherwise, when the setting is not given.
    ///   - expected: ends the sentence "… is not" in the error for a malformed value.
    ///   - parse: nil for a text that is not a value of this setting.
    package init(
        _ name: String, default defaultText: String? = nil, _ help: String, isSecret: Bool = false,
        unset: @escaping @Sendable (Environment) -> String? = { _ in nil },
        expected: String, parse: @escaping @Sendable (String) -> Value?
    ) {
        self.name = name
        self.defaultText = defaultText
        self.help = help
        self.isSecret = isSecret
        self.unset = unset
        self.expected = expected
        self.parse = parse
    }

    /// The value, when the setting is given or has a default.
    package func optional(in environment: Environment) throws(ConfigurationError) -> Value? {
        let given = try environment.find(name, isSecret: isSecret)?.text
        guard let text = given ?? defaultText ?? unset(environment) else { return nil }
        guard let value = parse(text) else {
            let shown = isSecret ? "the given value" : "'\(text)'"
            throw ConfigurationError("\(name): \(shown) is not \(expected)")
        }
        return value
    }

    /// The value; an error when the setting is not given and has no default.
    package func value(in environment: Environment) throws(ConfigurationError) -> Value {
        guard let value = try optional(in: environment) else {
            throw ConfigurationError("\(name) is not set: it must be \(expected)")
        }
        return value
    }

    package var description: SettingDescription {
        SettingDescription(
            name: name, defaultText: defaultText, help: help, isSecret: isSecret, expected: expected, unset: unset
        ) { environment in
            do throws(ConfigurationError) {
                _ = try optional(in: environment)
                return nil
            } catch {
                return error
            }
        }
    }
}

/// A setting without the type of its values: what is told about it, and of what it was given.
package struct SettingDescription: Sendable {
    package let name: String
    package let defaultText: String?
    package let help: String
    package let isSecret: Bool
    /// What a value must be: "a time such as 250ms …".
    package let expected: String
    /// What is taken when it is not given and has no default.
    let unset: @Sendable (Environment) -> String?
    /// What is wrong with what it was given.
    let mistake: @Sendable (Environment) -> ConfigurationError?
}

extension Setting where Value == String {
    package static func text(
        _ name: String, default defaultText: String? = nil, _ help: String, isSecret: Bool = false,
        unset: @escaping @Sendable (Environment) -> String? = { _ in nil }
    ) -> Setting {
        Setting(name, default: defaultText, help, isSecret: isSecret, unset: unset, expected: "a text") { $0 }
    }

    package static func oneOf(
        _ name: String, _ choices: [String], default defaultText: String, _ help: String
    ) -> Setting {
        Setting(name, default: defaultText, help, expected: "one of \(choices.joined(separator: ", "))") {
            choices.contains($0) ? $0 : nil
        }
    }
}

extension Setting where Value == Int {
    package static func integer(
        _ name: String, default defaultText: String? = nil, in range: ClosedRange<Int>, _ help: String
    ) -> Setting {
        Setting(
            name, default: defaultText, help,
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound)"
        ) { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A number of bytes, such as `65536`, `64KiB` or `8MiB`.
    package static func bytes(
        _ name: String, default defaultText: String, in range: ClosedRange<Int>, _ help: String
    ) -> Setting {
        Setting(
            name, default: defaultText, help,
            expected: "a size such as 64KiB or 8MiB, from \(range.lowerBound) to \(range.upperBound) bytes"
        ) { text in
            number(text, units: ["KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "": 1])
                .flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension Setting where Value == Duration {
    /// A time such as `250ms`, `10s`, `5m` or `1h`; a bare number is seconds.
    package static func duration(
        _ name: String, default defaultText: String? = nil, in range: ClosedRange<Duration>, _ help: String
    ) -> Setting {
        Setting(
            name, default: defaultText, help,
            expected:
                "a time such as 250ms, 10s, 5m or 1h, from \(durationText(range.lowerBound)) to \(durationText(range.upperBound))"
        ) { text in
            number(text, units: Dictionary(uniqueKeysWithValues: timeUnits).merging(["": 1_000]) { $1 })
                .map { Duration.milliseconds($0) }
                .flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

/// The units of times, the largest first, in milliseconds.
private let timeUnits = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]

/// A time as a user would write it.
private func durationText(_ duration: Duration) -> String {
    let milliseconds = Int(duration / .milliseconds(1))
    let unit = timeUnits.first { milliseconds % $0.1 == 0 && $0.1 <= max(milliseconds, 1_000) }
    return unit.map { "\(milliseconds / $0.1)\($0.0)" } ?? "\(milliseconds)ms"
}

extension Setting where Value == Bool {
    package static func flag(_ name: String, default defaultText: String, _ help: String) -> Setting {
        Setting(name, default: defaultText, help, expected: "true or false") { text in
            switch text {
            case "true", "1", "yes", "on": true
            case "false", "0", "no", "off": false
            default: nil
            }
        }
    }
}

/// A whole number with one of `units` behind it, multiplied; nil when it is neither or overflows.
private func number(_ text: String, units: [String: Int]) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), let factor = units[text.dropFirst(digits.count).trimmed] else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
}
