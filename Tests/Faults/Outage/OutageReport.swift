import TestSupport

/// The figures of an outage, and the limits that were not kept.
struct OutageReport {
    private var lines: [(name: String, text: String)] = []
    private(set) var differences: [String] = []

    mutating func add(_ name: String, _ text: String) { lines.append((name, text)) }

    /// A time that has a limit.
    mutating func add(_ name: String, _ time: Duration, limit: Duration) {
        add(name, "\(seconds(time)) (at most \(seconds(limit)))")
        if time > limit { differences.append("\(name): \(seconds(time)), more than \(seconds(limit))") }
    }

    mutating func add(differences more: [String]) { differences += more }

    var table: String { aligned(lines) }
}

/// `1.25 s`
func seconds(_ duration: Duration) -> String {
    let hundredths = milliseconds(duration) / 10
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) s"
}
