/// The metrics of one service, or of one part of it: each a stored property, and nothing else to be registered.
package protocol MetricGroup: Sendable {}

extension MetricGroup {
    /// The metrics in the order of their declarations.
    package var metrics: [any Metric] { Mirror(reflecting: self).children.compactMap { $0.value as? any Metric } }
}

/// All metrics of a process.
package struct MetricRegistry: Sendable {
    private let metrics: [any Metric]

    package init(_ groups: [any MetricGroup]) { metrics = groups.flatMap(\.metrics) }

    package var descriptions: [MetricDescription] { metrics.map(\.description) }

    /// What `/metrics` answers.
    package func page() -> String {
        var page = MetricPage()
        for metric in metrics { page.append(metric) }
        return page.text
    }
}
