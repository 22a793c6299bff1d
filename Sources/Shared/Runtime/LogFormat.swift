import FoundationEssentials
import Glibc
import Logging

/// How an event becomes a line on standard error.
package enum LogFormat: String, CaseIterable, Sendable {
    /// `2026-01-01T05:00:00.250Z info consumer: written rows=7`, for people and for pipes.
    case text
    /// An object a line, for collectors.
    case json
    /// `<6>written rows=7`: systemd's journal takes the priority off and has time and service itself
    /// (sd-daemon(3)).
    case journal

    /// The one that is asked for; of a malformed setting, text.
    init(_ environment: Environment) { self = (try? logFormatSetting.value(in: environment)) ?? .text }

    /// How a service says what it ends with, when it fails.
    func line(ofFailure message: String, service: String, at time: Date) -> String {
        switch self {
        case .text: "error: \(message)\n"
        case .journal: "<\(Logger.Level.error.priority)>\(message)\n"
        case .json: LogObject(time, .error, service, message, [:]).line
        }
    }
}

/// LOG_FORMAT; without it what the reader at the other end of standard error expects.
package let logFormatSetting = Setting<LogFormat>(
    "LOG_FORMAT",
    """
    How log lines look: text, json (an object a line) or journal (text with systemd's priorities). Without it \
    journal where systemd reads them, and text elsewhere.
    """,
    unset: { (isJournal($0, descriptor: STDERR_FILENO) ? LogFormat.journal : .text).rawValue },
    expected: "one of \(LogFormat.allCases.map(\.rawValue).joined(separator: ", "))"
) { LogFormat(rawValue: $0) }

/// True when the descriptor is the stream to the journal that systemd gave us, and nobody redirected it:
/// `$JOURNAL_STREAM` is its device and inode (systemd.exec(5)).
func isJournal(_ environment: Environment, descriptor: Int32) -> Bool {
    guard let stream = environment["JOURNAL_STREAM"] else { return false }
    var status = stat()
    return fstat(descriptor, &status) == 0 && stream == "\(status.st_dev):\(status.st_ino)"
}

extension Logger.Level {
    /// The severity of syslog (RFC 5424) that systemd takes.
    var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

/// An event as a JSON object:
///
/// ```
/// {"time":"2026-01-01T05:00:00.250000Z","level":"info","logger":"consumer","message":"written","metadata":{"rows":"7"}}
/// ```
struct LogObject {
    /// With its line feed.
    let line: String

    init(_ time: Date, _ level: Logger.Level, _ logger: String, _ message: String, _ metadata: Logger.Metadata) {
        var line = #"{"time":"\#(timestamp(time))","level":"\#(level)","logger":"#
        appendString(logger, to: &line)
        line += #","message":"#
        appendString(message, to: &line)
        if !metadata.isEmpty {
            line += #","metadata":"#
            append(.dictionary(metadata), to: &line)
        }
        self.line = line + "}\n"
    }
}

/// RFC 3339, in UTC, with microseconds.
private func timestamp(_ time: Date) -> String {
    let microseconds = Int((time.timeIntervalSince1970 * 1_000_000).rounded())
    let (seconds, fraction) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    let digits = String(fraction)
    return Date(timeIntervalSince1970: Double(seconds)).formatted(Date.ISO8601FormatStyle()).dropLast()
        + ".\(String(repeating: "0", count: 6 - digits.count))\(digits)Z"
}

private func append(_ value: Logger.MetadataValue, to line: inout String) {
    switch value {
    case .string(let text): appendString(text, to: &line)
    case .stringConvertible(let object): appendString("\(object)", to: &line)
    case .array(let values):
        line += "["
        for (index, value) in values.enumerated() {
            if index > 0 { line += "," }
            append(value, to: &line)
        }
        line += "]"
    case .dictionary(let values):
        line += "{"
        for (index, (key, value)) in values.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { line += "," }
            appendString(key, to: &line)
            line += ":"
            append(value, to: &line)
        }
        line += "}"
    }
}

/// RFC 8259, section 7; and what could move a terminal's cursor or end a line for some reader is escaped too.
private func appendString(_ text: String, to line: inout String) {
    line += "\""
    for scalar in text.unicodeScalars {
        switch (scalar, scalar.properties.generalCategory) {
        case ("\"", _): line += "\\\""
        case ("\\", _): line += "\\\\"
        case ("\n", _): line += "\\n"
        case (_, .control), (_, .lineSeparator), (_, .paragraphSeparator):
            let digits = String(scalar.value, radix: 16)
            line += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)"
        default: line.unicodeScalars.append(scalar)
        }
    }
    line += "\""
}
