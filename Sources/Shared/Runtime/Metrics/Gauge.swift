import Synchronization

/// A number that rises and falls, set by whoever knows it. Any thread; one relaxed store.
package final class Gauge: Metric {
    package let description: MetricDescription
    private let number = Atomic(0)

    package init(_ name: String, unit: MetricUnit = .count, _ help: String) {
        description = MetricDescription(name, help, kind: .gauge, unit: unit)
    }

    package func set(_ value: Int) { number.store(value, ordering: .relaxed) }

    package var value: Int { number.load(ordering: .relaxed) }

    package func write(to page: inout MetricPage) { page.sample(value) }
}

/// A number that somebody has anyway, and that is looked up when the page is asked for: it costs the work nothing.
package final class Reading: Metric {
    package let description: MetricDescription
    private let source = Mutex<(@Sendable () -> Int?)?>(nil)

    package init(
        _ name: String, unit: MetricUnit = .count, kind: MetricDescription.Kind = .gauge, _ help: String
    ) {
        description = MetricDescription(name, help, kind: kind, unit: unit)
    }

    /// Says where the number is. Until then, and while it is nil, the page has none.
    ///
    /// - Parameter source: called on the admin port's thread; it must not wait for the thread that works.
    package func read(_ source: @escaping @Sendable () -> Int?) { self.source.withLock { $0 = source } }

    package func write(to page: inout MetricPage) {
        let source = source.withLock { $0 }
        if let value = source?() { page.sample(value) }
    }
}

/// As ``Reading``, with a number for each value that a label has at the time.
package final class ReadingFamily: Metric {
    package let description: MetricDescription
    private let label: String
    private let source = Mutex<(@Sendable () -> [(label: String, value: Int)])?>(nil)

    package init(_ name: String, by label: String, unit: MetricUnit = .count, _ help: String) {
        self.label = label
        description = MetricDescription(name, help, kind: .gauge, unit: unit, label: LabelDescription(label))
    }

    /// - Parameter source: as for ``Reading/read(_:)``; no two of its labels are equal.
    package func read(_ source: @escaping @Sendable () -> [(label: String, value: Int)]) {
        self.source.withLock { $0 = source }
    }

    package func write(to page: inout MetricPage) {
        let source = source.withLock { $0 }
        for (value, number) in source?() ?? [] { page.sample(number, [(label, value)]) }
    }
}
