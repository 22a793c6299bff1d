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
        var line = "\(Date.now.formatted(.iso8601.time(includingFractionalSeconds: true)))"
        line += " \(event.level) \(label): \(event.message)"
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(quoted("\(value)"))" }
        line += "\n"
        // One write a line, so that lines of several threads do not mix. A log that cannot be
        // written stops nothing.
        line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Text from outside may hold spaces and line feeds; a line stays one line.
    private func quoted(_ value: String) -> String {
        guard
            value.contains(where: { $0 == " " || $0 == "\"" || $0.isNewline || $0.asciiValue.map { $0 < 32 } ?? false })
        else { return value }
        let escaped = value.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\n": "\\n"
            case _ where scalar.value < 32: "\\u{\(String(scalar.value, radix: 16))}"
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}

/// How much is logged: swift-log's levels by their names.
package let logLevelSetting = Setting<Logger.Level>(
    "LOG_LEVEL", default: "info", "Least severe level that is logged: trace, debug, info, warning or error.",
    expected: "one of trace, debug, info, notice, warning, error, critical"
) { Logger.Level(rawValue: $0) }
