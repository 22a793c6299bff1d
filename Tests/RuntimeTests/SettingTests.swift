import Testing

@testable import Runtime

@Suite("A setting")
struct SettingTests {
    private func error<Value>(_ setting: Setting<Value>, _ text: String) throws -> String {
        try #require(throws: ConfigurationError.self) { _ = try setting.value(in: Environment(["X": text])) }
            .description
    }

    @Test("It has its default when it is not given or empty")
    func defaults() throws {
        let setting = Setting.integer("X", default: "7", in: 1...9, "A number.")
        #expect(try setting.value(in: Environment([:])) == 7)
        #expect(try setting.value(in: Environment(["X": ""])) == 7)
        #expect(try setting.value(in: Environment(["X": "8"])) == 8)
    }

    @Test("Without a default it is nil where it may be absent, and an error where it may not")
    func required() throws {
        let setting = Setting.integer("X", in: 1...9, "A number.")
        #expect(try setting.optional(in: Environment([:])) == nil)
        let error = try #require(throws: ConfigurationError.self) { _ = try setting.value(in: Environment([:])) }
        #expect(error.description == "X is not set: it must be a whole number from 1 to 9")
    }

    @Test("A whole number has to be in its range")
    func integers() throws {
        let setting = Setting.integer("X", in: -5...70_000, "A number.")
        for (text, value) in [("-5", -5), ("0", 0), ("70000", 70_000)] {
            #expect(try setting.value(in: Environment(["X": text])) == value)
        }
        for text in ["-6", "70001", "1.5", "1e3", "x", "1 2", "٣", "99999999999999999999"] {
            #expect(try error(setting, text) == "X: '\(text)' is not a whole number from -5 to 70000")
        }
    }

    @Test("A size is a number of bytes, KiB, MiB or GiB")
    func bytes() throws {
        let setting = Setting.bytes("X", default: "1", in: 1...(2 << 30), "A size.")
        for (text, value) in [("1", 1), ("64KiB", 65_536), ("8 MiB", 8 << 20), ("2GiB", 2 << 30)] {
            #expect(try setting.value(in: Environment(["X": text])) == value)
        }
        for text in ["0", "3GiB", "64kb", "64K", "-1", "1.5MiB", "MiB", "٣", "9223372036854775807GiB"] {
            #expect(
                try error(setting, text)
                    == "X: '\(text)' is not a size such as 64KiB or 8MiB, from 1 to 2147483648 bytes")
        }
    }

    @Test("A time has a unit, or is in seconds")
    func durations() throws {
        let setting = Setting.duration("X", in: .milliseconds(100)...(.seconds(7_200)), "A time.")
        let good: [(String, Duration)] = [
            ("100ms", .milliseconds(100)), ("10s", .seconds(10)), ("5m", .seconds(300)), ("2h", .seconds(7_200)),
            ("3", .seconds(3)), ("250 ms", .milliseconds(250)),
        ]
        for (text, value) in good { #expect(try setting.value(in: Environment(["X": text])) == value) }
        for text in ["99ms", "3h", "1d", "ms", "-1s", "1.5s", "10S", "9223372036854775807h"] {
            #expect(
                try error(setting, text)
                    == "X: '\(text)' is not a time such as 250ms, 10s, 5m or 1h, from 100ms to 2h")
        }
    }

    @Test("A flag is true or false in the usual spellings")
    func flags() throws {
        let setting = Setting.flag("X", default: "true", "A flag.")
        for text in ["true", "1", "yes", "on"] { #expect(try setting.value(in: Environment(["X": text]))) }
        for text in ["false", "0", "no", "off"] { #expect(try !setting.value(in: Environment(["X": text]))) }
        #expect(try error(setting, "maybe") == "X: 'maybe' is not true or false")
    }

    @Test("A choice is one of the words that the error lists")
    func choices() throws {
        let setting = Setting.oneOf("X", ["HOUR", "DAY"], default: "HOUR", "A choice.")
        #expect(try setting.value(in: Environment(["X": "DAY"])) == "DAY")
        #expect(try error(setting, "day") == "X: 'day' is not one of HOUR, DAY")
    }

    @Test("A text is taken as it is")
    func texts() throws {
        #expect(try Setting.text("X", "A text.").value(in: Environment(["X": " a b "])) == " a b ")
    }

    @Test("The help shows name, default, meaning, and where a secret can come from")
    func help() {
        let settings = [
            Setting.integer("X_PORT", default: "7", in: 1...9, "A port.").description,
            Setting.text("X_PASSWORD", "A password.", isSecret: true).description,
        ]
        #expect(
            settingsHelp(settings) == """
                  X_PORT (default 7)
                      A port.
                  X_PASSWORD
                      A password. Secret: can come from X_PASSWORD_FILE.
                """)
    }
}
