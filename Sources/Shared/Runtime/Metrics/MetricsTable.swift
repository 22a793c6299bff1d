/// The metrics of one service as docs/metrics.md shows them.
package func metricsTable(_ metrics: [MetricDescription]) -> String {
    let rows = metrics.map { metric in
        let label = metric.label.map { "{\($0.name)}" } ?? ""
        let values =
            metric.label.flatMap { $0.values.isEmpty ? nil : $0 }
            .map { " `\($0.name)`: \($0.values.map { "`\($0)`" }.joined(separator: ", "))." } ?? ""
        let help = metric.help.replacing("|", with: "\\|").replacing("*", with: "\\*")
        return "| `\(metric.name)\(label)` | \(metric.kind.rawValue) | \(help)\(values) |"
    }
    return (["| metric | type | meaning |", "|---|---|---|"] + rows).joined(separator: "\n")
}
