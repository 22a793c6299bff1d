import Market
import TestSupport

/// The gap ledger beside what the exchange saw.
///
/// Between two connections that brought data there was a span without: it is one gap, and the second
/// connection's subscription lies in it. Any other gap is a pause because the spool was full.
struct GapComparison {
    /// A row of `gaps`; microseconds since 1970.
    struct Row: Equatable {
        let from: Int64
        let to: Int64
        let reason: String
    }

    let expectedCount: Int
    private(set) var pauseCount = 0
    private(set) var differences: [String] = []

    /// - Parameters:
    ///   - resumptions: in their order.
    ///   - tickCount: how many ticks were accepted in the end.
    init(_ resumptions: [ExchangeObservations.Resumption], tickCount: Int, gaps: [Row]) {
        // A connection brought data when the next one wants more than it did.
        let ends = resumptions.dropFirst().map(\.wanted) + [tickCount]
        let delivering = zip(resumptions, ends).filter { $1 > $0.wanted }.map(\.0)
        let spans = delivering.dropFirst().map(\.microseconds)
        expectedCount = spans.count
        for time in spans {
            let found = gaps.filter { $0.from <= time && time <= $0.to }
            if found.count != 1 {
                differences.append("\(found.count) gaps for the connection at \(time), not 1: \(found)")
            }
        }
        for gap in gaps where !spans.contains(where: { gap.from <= $0 && $0 <= gap.to }) {
            if gap.reason == Gap.Reason.spoolFull.rawValue {
                pauseCount += 1
            } else {
                differences.append("a gap where there was none: \(gap)")
            }
        }
        for (gap, next) in zip(gaps, gaps.dropFirst()) where next.from < gap.to {
            differences.append("gaps overlap: \(gap), \(next)")
        }
    }
}
