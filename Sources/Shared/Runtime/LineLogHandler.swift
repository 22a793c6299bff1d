import FoundationEssentials
package import Logging

#if canImport(Glibc)
    import Glibc
#endif

/// Writes one line an event to standard error: as text that is time, level, service, message, then its
/// metadata as `key=value`, sorted.
///
/// Levels say what an operator must do. trace: a record; debug: a batch; info: started, connected,
/// stopped; warning: recovered by itself; error: somebody must act.
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level
    private let label: String
    private let format: LogFormat

    package init(label: String, level: Logger.Level, format: LogFormat = .text) {
        self.label = label
        self.format = format
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        write(toStandardError: line(of: event, at: .now))
    }

    /// What is written for `event`, with its line feed.
    func line(of event: LogEvent, at time: Date) -> String {
        var all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        if let error = event.error { all["error"] = "\(error)" }
        switch format {
        case .json: return LogObject(time, event.level, label, "\(event.message)", all).line
        case .journal: return "<\(event.level.priority)>\(text(of: event, all))\n"
        case .text:
            let moment = time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            return "\(moment) \(event.level) \(label): \(text(of: event, all))\n"
        }
    }

    private func text(of event: LogEvent, _ metadata: Logger.Metadata) -> String {
        var line = oneLine("\(event.message)")
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(quoted("\(value)"))" }
        return line
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

/// One write a line, so that lines of several threads do not mix. A log that cannot be written stops nothing.
func write(toStandardError line: String) {
    var line = line
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
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
