/// A page in Prometheus' text format, version 0.0.4.
///
/// ```
/// # HELP ticker_producer_gaps_total Spans without data that have ended.
/// # TYPE ticker_producer_gaps_total counter
/// ticker_producer_gaps_total{reason="stall"} 3
/// ```
///
/// Source: Prometheus' documentation, "Exposition formats", "Text-based format".
package struct MetricPage {
    package private(set) var text = ""
    private var metric = MetricDescription("", "", kind: .gauge)

    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package init() {}

    package mutating func append(_ metric: some Metric) {
        self.metric = metric.description
        let help = metric.description.help.escaped(quotes: false)
        text += "# HELP \(self.metric.name) \(help)\n# TYPE \(self.metric.name) \(self.metric.kind.rawValue)\n"
        metric.write(to: &self)
    }

    /// Adds a line of the metric at hand.
    ///
    /// - Parameters:
    ///   - value: in the metric's unit, unless `unit` says otherwise.
    ///   - suffix: behind the metric's name, as histograms have it.
    mutating func sample(
        _ value: Int, _ labels: [(name: String, value: String)] = [], suffix: String = "", unit: MetricUnit? = nil
    ) {
        text += metric.name + suffix
        if !labels.isEmpty {
            text += "{\(labels.map { "\($0.name)=\"\($0.value.escaped(quotes: true))\"" }.joined(separator: ","))}"
        }
        text += " \((unit ?? metric.unit).text(value))\n"
    }
}

extension String {
    /// In help a quote is a quote; in a label's value it would be the end.
    fileprivate func escaped(quotes: Bool) -> String {
        let escaped = replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        return quotes ? escaped.replacing("\"", with: "\\\"") : escaped
    }
}
