import TestSupport

/// The figures of an outage beside their limits, and the limits that were not kept.
struct OutageReport {
    enum Verdict: String {
        case kept
        case notKept = "NOT KEPT"
        /// The outage was too short to tell.
        case notMeasured = "NOT MEASURED"
    }

    private var lines: [(name: String, figure: String, limit: String)] = []
    private(set) var differences: [String] = []

    mutating func add(_ name: String, _ figure: String) { lines.append((name, figure, "")) }

    /// A figure that has a limit.
    ///
    /// - Parameter isKept: nil when this outage cannot tell.
    mutating func add(_ name: String, _ figure: String, limit: String, isKept: Bool?) {
        let verdict = isKept.map { $0 ? Verdict.kept : .notKept } ?? .notMeasured
        lines.append((name, figure, "\(limit): \(verdict.rawValue)"))
        if verdict == .notKept { differences.append("\(name): \(figure), not \(limit)") }
    }

    /// A time that has a limit.
    mutating func add(_ name: String, _ time: Duration, limit: Duration) {
        add(name, seconds(time), limit: "at most \(seconds(limit))", isKept: time <= limit)
    }

    /// Whether there are as many as there have to be.
    mutating func add(_ name: String, _ count: Int, expected: Int) {
        add(name, grouped(count), limit: grouped(expected), isKept: count == expected)
    }

    /// A service that keeps its promises by dying and being started again does not keep them.
    mutating func add(servicesOf keepers: [ServiceKeeper]) {
        for keeper in keepers {
            let state = keeper.state.value
            add("starts of \(keeper.name)", state.starts, expected: 1)
            differences += state.ownEnds.map { "\(keeper.name) ended by itself: \($0)" }
        }
    }

    mutating func add(_ gaps: GapComparison) {
        add("gaps", grouped(gaps.expectedCount), limit: "each told, and no other", isKept: gaps.differences.isEmpty)
        differences += gaps.differences
    }

    mutating func add(differences more: [String]) { differences += more }

    var table: String {
        let width = lines.map(\.figure.count).max() ?? 0
        return aligned(
            lines.map { name, figure, limit in
                let gap = limit.isEmpty ? "" : String(repeating: " ", count: width - figure.count + 2)
                return (name, figure + gap + limit)
            })
    }
}

/// `1.25 s`
func seconds(_ duration: Duration) -> String {
    let hundredths = milliseconds(duration) / 10
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) s"
}
