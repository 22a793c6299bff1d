import TestSupport

/// The figures as a table for people, which is also one in Markdown.
func table(_ figures: [Figure]) -> String {
    let header = ["figure", "measured", "limit in the same run", "ratio", "reach at least", "reached"]
    let rows = figures.map(cells)
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    let line = { (cells: [String]) -> String in
        "| " + zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " | ")
            + " |"
    }
    let rule = "|" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|") + "|"
    return ([line(header), rule] + rows.map(line)).joined(separator: "\n")
}

private func cells(_ figure: Figure) -> [String] {
    let limit = figure.limit.map { "\($0.name): \(quantity($0.value, figure.unit))" }
    let ratio = figure.ratio.map { decimals($0, $0 < 0.1 ? 3 : 2) }
    let goal = figure.goal.map { text($0, figure.unit) }
    let reached = figure.isReached.map { $0 ? "yes" : "NO" }
    return [figure.name, quantity(figure.value, figure.unit), limit ?? "", ratio ?? "", goal ?? "", reached ?? ""]
}

private func text(_ goal: Figure.Goal, _ unit: Figure.Unit) -> String {
    switch goal {
    case .atLeast(let bound): quantity(bound, unit)
    case .atMost(let bound): "at most \(quantity(bound, unit))"
    case .ratio(let bound): "\(decimals(bound, 2)) of the limit"
    }
}

private func quantity(_ value: Double, _ unit: Figure.Unit) -> String {
    "\(number(value)) \(unit.rawValue)".trimmingSuffix(" ")
}

/// Whole with separators from 100 on and where it is whole, with two decimals below.
private func number(_ value: Double) -> String {
    guard value < 100, value != value.rounded() else { return grouped(Int(value.rounded())) }
    return decimals(value, 2)
}

private func decimals(_ value: Double, _ count: Int) -> String {
    var scale = 1.0
    for _ in 0..<count { scale *= 10 }
    let scaled = Int((value * scale).rounded(.towardZero))
    let fraction = "\(scaled % Int(scale))"
    return "\(scaled / Int(scale)).\(String(repeating: "0", count: count - fraction.count))\(fraction)"
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
