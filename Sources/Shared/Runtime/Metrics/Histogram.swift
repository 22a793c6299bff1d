import Synchronization

/// How often a number fell between which bounds. Any thread may observe, for two relaxed atomic additions.
package final class Histogram: Metric {
    package let description: MetricDescription
    /// In the unit that is observed, ascending.
    private let bounds: [Int]
    /// One for each bound, and one for what is above the last. Each holds its own, not those below.
    private let cells: [Cell]
    private let sum = Atomic(0)

    private final class Cell: Sendable {
        let count = Atomic(0)
    }

    /// - Parameter bounds: ascending; a number that equals one counts below it.
    package init(_ name: String, unit: MetricUnit = .count, bounds: [Int], _ help: String) {
        description = MetricDescription(name, help, kind: .histogram, unit: unit)
        self.bounds = bounds
        cells = (0...bounds.count).map { _ in Cell() }
    }

    package func observe(_ value: Int) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        cells[index].count.wrappingAdd(1, ordering: .relaxed)
        sum.wrappingAdd(value, ordering: .relaxed)
    }

    package func observe(_ duration: Duration) { observe(duration.microseconds) }

    /// How many numbers were observed.
    package var count: Int { cells.reduce(0) { $0 + $1.count.load(ordering: .relaxed) } }

    package func write(to page: inout MetricPage) {
        var count = 0
        for (cell, bound) in zip(cells, bounds.map { description.unit.text($0) } + ["+Inf"]) {
            count += cell.count.load(ordering: .relaxed)
            page.sample(count, [("le", bound)], suffix: "_bucket", unit: .count)
        }
        page.sample(sum.load(ordering: .relaxed), suffix: "_sum")
        // Of the same counts, not of a second look: Prometheus takes it to be the last bucket.
        page.sample(count, suffix: "_count", unit: .count)
    }
}
