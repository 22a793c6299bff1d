import Market
import TestSupport

/// What arrived at one stage of the pipeline.
struct Stage {
    let name: String
    /// nil where it cannot be known.
    let records: Int?
    let priceSum: Numeric?
    let volumeSum: Numeric?
}

/// What the demo found, and whether it is as promised.
struct DemoResult {
    let source: String
    let stages: [Stage]
    let deadLetters: Int
    let droppedByMock: Int64
    let completeness: CompletenessSummary
    /// A session is sent whole; of the real exchange what it sent while nobody listened is missing.
    let isHeardWhole: Bool
    let loader: String
    let loaderSucceeded: Bool
    let latencies: [Duration]
    let wallTime: Duration

    /// Every stage has the same number of records and the same sums, digit for digit; and the exchange's sums agree.
    var isEqual: Bool {
        let known = stages.filter { $0.records != nil }
        guard let first = known.first, let count = first.records, count > 0 else { return false }
        return loaderSucceeded && isComplete && deadLetters == 0 && droppedByMock == 0
            && known.allSatisfy {
                $0.records == count && $0.priceSum != nil && $0.priceSum == first.priceSum
                    && $0.volumeSum == first.volumeSum
            }
    }

    /// The exchange's own sums know of each row and, where all of them were sent, of nothing else.
    var isComplete: Bool {
        let rows = stages.last?.records ?? 0
        return isHeardWhole ? completeness.proves(rows: rows) : completeness.ticks == rows
    }

    var table: String {
        let header = ["stage", "records", "sum of price", "sum of volume"]
        let rows = stages.map { stage in
            [
                stage.name, stage.records.map(grouped) ?? "unknown", stage.priceSum?.description ?? "-",
                stage.volumeSum?.description ?? "-",
            ]
        }
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        let line = { (cells: [String]) in
            zip(cells, widths).enumerated().map { index, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 0 ? cell.0 + padding : padding + cell.0
            }.joined(separator: "  ")
        }
        let rule = String(repeating: "-", count: widths.reduce(0, +) + 2 * (widths.count - 1))
        var lines = ["", source, rule, line(header), rule] + rows.map(line) + [rule]
        lines.append("dead letters          \(deadLetters)")
        if droppedByMock > 0 {
            lines.append("DROPPED by the mock   \(droppedByMock) records: give the topic more --partitions")
        }
        lines.append("completeness          \(completeness.text)\(isComplete ? "" : ": NOT COMPLETE")")
        lines.append("loader                \(loader)")
        if let middle = percentile(0.5), let high = percentile(0.99) {
            lines.append("tick-to-row latency   p50 \(milliseconds(middle)) ms, p99 \(milliseconds(high)) ms")
        }
        lines.append("wall time             \(milliseconds(wallTime) / 1_000) s")
        if isEqual, let count = stages.last?.records {
            lines.append(
                "equal                 "
                    + stages.compactMap { $0.records == nil ? nil : grouped(count) }.joined(separator: " = ")
                    + ", sums digit for digit")
        }
        return lines.joined(separator: "\n")
    }

    /// The latency that this part of all frames does not exceed.
    private func percentile(_ part: Double) -> Duration? {
        guard !latencies.isEmpty else { return nil }
        return latencies[min(latencies.count - 1, Int(Double(latencies.count) * part))]
    }
}
