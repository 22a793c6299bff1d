import Synchronization

/// Counts what happened; never falls but with the process. Any thread may add, and pays one relaxed atomic
/// addition for it: no lock, no allocation.
package final class Counter: Metric {
    package let description: MetricDescription
    private let count = Atomic(0)

    package init(_ name: String, unit: MetricUnit = .count, _ help: String) {
        description = MetricDescription(name, help, kind: .counter, unit: unit)
    }

    /// - Parameter amount: in the metric's unit, and not below zero.
    package func add(_ amount: Int = 1) { count.wrappingAdd(amount, ordering: .relaxed) }

    package var value: Int { count.load(ordering: .relaxed) }

    package func write(to page: inout MetricPage) { page.sample(value) }
}

/// One counter for each value of a label. The page has all of them from the start: a rate begins at zero, and not
/// with the first event. Any thread may add, as with ``Counter``.
package final class CounterFamily<Label: MetricLabel>: Metric {
    package let description: MetricDescription
    private let cells: [Cell]

    private final class Cell: Sendable {
        let count = Atomic(0)
    }

    package init(_ name: String, by label: Label.Type, unit: MetricUnit = .count, _ help: String) {
        let values = Label.allCases.map(\.rawValue)
        description = MetricDescription(
            name, help, kind: .counter, unit: unit, label: LabelDescription(Label.labelName, values: values))
        cells = values.map { _ in Cell() }
    }

    /// - Parameter label: one of `allCases`; others are not counted.
    package func add(_ amount: Int, _ label: Label) { cell(label)?.count.wrappingAdd(amount, ordering: .relaxed) }

    package func add(_ label: Label) { add(1, label) }

    package func value(_ label: Label) -> Int { cell(label)?.count.load(ordering: .relaxed) ?? 0 }

    /// Of all labels.
    package var total: Int { cells.reduce(0) { $0 + $1.count.load(ordering: .relaxed) } }

    private func cell(_ label: Label) -> Cell? {
        zip(Label.allCases, cells).first { $0.0 == label }?.1
    }

    package func write(to page: inout MetricPage) {
        for label in Label.allCases { page.sample(value(label), [(Label.labelName, label.rawValue)]) }
    }
}
