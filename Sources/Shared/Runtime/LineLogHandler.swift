import FoundationEssentials
package import Logging

#if canImport(Glibc)
    import Glibc
#endif

/// Writes one line an event to standard error: time, level, service, message, then its metadata as
/// `key=value`, sorted.
///
/// Levels say what an operator must do. trace: a record; debug: a batch; info: started, connected,
/// stopped; warning: recovered by itself; error: somebody must act.
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level
    private let label: String

    package init(label: String, level: Logger.Level) {
        self.label = label
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var line = line(of: event, at: .now)
        // One write a line, so that lines of several threads do not mix. A log that cannot be
        // written stops nothing.
        line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// What is written for `event`, with its line feed.
    func line(of event: LogEvent, at time: Date) -> String {
        var line = time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        line += " \(event.level) \(label): \(oneLine("\(event.message)"))"
        var all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        if let error = event.error { all["error"] = "\(error)" }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(quoted("\(value)"))" }
        return line + "\n"
    }

    /// A value that could be taken for more than one stands in quotes.
    private func quoted(_ value: String) -> String {
        let escaped = oneLine(value)
        guard escaped != value || value.unicodeScalars.contains(where: { $0 == " " || $0 == "\"" }) else {
            return value
        }
        return "\"\(oneLine(value, quoting: true))\""
    }
}

/// Text from outside may hold line feeds and a terminal's commands; a line stays one line of plain text.
func oneLine(_ text: String, quoting: Bool = false) -> String {
    let escaped = text.unicodeScalars.map { scalar in
        switch (scalar, scalar.properties.generalCategory) {
        case ("\"", _) where quoting: "\\\""
        case ("\\", _) where quoting: "\\\\"
        case ("\n", _): "\\n"
        case (_, .control), (_, .lineSeparator), (_, .paragraphSeparator):
            "\\u{\(String(scalar.value, radix: 16))}"
        default: String(scalar)
        }
    }
    return escaped.joined()
}

/// How much is logged: swift-log's levels by their names.
package let logLevelSetting = Setting<Logger.Level>(
    "LOG_LEVEL", default: "info", "Least severe level that is logged: trace, debug, info, warning or error.",
    expected: "one of trace, debug, info, notice, warning, error, critical"
) { Logger.Level(rawValue: $0) }
