import TestSupport

/// One measured figure, and the limit that it stands beside.
struct Figure {
    let name: String
    let value: Double
    let unit: String
    var limit: (name: String, value: Double)?
}

func table(_ figures: [Figure]) -> String {
    let header = ["figure", "measured", "limit in the same run", "ratio"]
    let rows = figures.map { figure in
        [
            figure.name, "\(number(figure.value)) \(figure.unit)",
            figure.limit.map { "\($0.name): \(number($0.value)) \(figure.unit)" } ?? "",
            figure.limit.map { decimals(figure.value / $0.value, 2) } ?? "",
        ]
    }
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    let line = { (cells: [String]) in
        "| " + zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " | ")
            + " |"
    }
    let rule = "|" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|") + "|"
    return ([line(header), rule] + rows.map(line)).joined(separator: "\n")
}

/// Whole with separators from 100 on, with two decimals below.
private func number(_ value: Double) -> String {
    guard value >= 100 else { return decimals(value, 2) }
    return grouped(Int(value.rounded()))
}

private func decimals(_ value: Double, _ count: Int) -> String {
    var scale = 1.0
    for _ in 0..<count { scale *= 10 }
    let scaled = Int((value * scale).rounded())
    let fraction = "\(scaled % Int(scale))"
    return "\(scaled / Int(scale)).\(String(repeating: "0", count: count - fraction.count))\(fraction)"
}
