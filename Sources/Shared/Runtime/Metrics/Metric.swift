/// A number that a service tells about itself. Declared once, as a value: `/metrics`, its help and the table in
/// docs/metrics.md say the same.
///
/// Reading a metric never changes it, and never waits for the thread that counts.
package protocol Metric: Sendable {
    var description: MetricDescription { get }
    /// Writes the present value, or one for each value of the label. Called on the admin port's thread.
    func write(to page: inout MetricPage)
}

/// What the page and the documents tell about a metric.
package struct MetricDescription: Sendable {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    package let name: String
    /// A sentence.
    package let help: String
    package let kind: Kind
    package let unit: MetricUnit
    package let label: LabelDescription?

    package init(
        _ name: String, _ help: String, kind: Kind, unit: MetricUnit = .count, label: LabelDescription? = nil
    ) {
        self.name = name
        self.help = help
        self.kind = kind
        self.unit = unit
        self.label = label
    }
}

/// What tells a metric's numbers apart.
package struct LabelDescription: Sendable {
    package let name: String
    /// All that there can be; empty where only the running service knows.
    package let values: [String]

    package init(_ name: String, values: [String] = []) {
        self.name = name
        self.values = values
    }
}

/// A label with few values, all of them known: an enum with the values as its raw ones.
package protocol MetricLabel: CaseIterable, RawRepresentable<String>, Equatable, Sendable {
    static var labelName: String { get }
}

/// What a metric's whole number counts. A clock's are kept in microseconds, so that they can be added without
/// rounding, and told in seconds, Prometheus' base unit.
package enum MetricUnit: Sendable {
    case count, bytes, microseconds

    /// How the page tells `number`.
    func text(_ number: Int) -> String {
        guard self == .microseconds else { return "\(number)" }
        let (seconds, rest) = number.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        let whole = (number < 0 ? "-" : "") + "\(seconds)"
        guard rest > 0 else { return whole }
        let digits = String(1_000_000 + rest).dropFirst()
        return "\(whole).\(digits.prefix(through: digits.lastIndex { $0 != "0" } ?? digits.startIndex))"
    }
}

extension Duration {
    /// Whole microseconds, as metrics count time.
    package var microseconds: Int {
        Int(components.seconds) * 1_000_000 + Int(components.attoseconds / 1_000_000_000_000)
    }
}
