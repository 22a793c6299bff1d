import TestSupport
import Testing

@testable import Faults

@Suite struct GapComparisonTests {
    /// Connections at 100, 200, 300 and 400 that wanted the frames from 0, 50, 50 and 80; the third of them
    /// went on where the second had begun, so the second brought nothing.
    private let resumptions: [ExchangeObservations.Resumption] = [
        .init(connection: 0, wanted: 0, reached: 0, microseconds: 100),
        .init(connection: 1, wanted: 50, reached: 60, microseconds: 200),
        .init(connection: 2, wanted: 50, reached: 60, microseconds: 300),
        .init(connection: 3, wanted: 80, reached: 80, microseconds: 400),
    ]

    private func compare(_ gaps: [GapComparison.Row], tickCount: Int = 100) -> GapComparison {
        GapComparison(resumptions, tickCount: tickCount, gaps: gaps)
    }

    @Test("One gap before every connection that brought data, except the first, is as it should be")
    func right() {
        let gaps = compare([.init(from: 150, to: 310, reason: "restart"), .init(from: 350, to: 410, reason: "stall")])
        #expect(gaps.differences.isEmpty && gaps.expectedCount == 2 && gaps.pauseCount == 0)
    }

    @Test("A gap that is missing is told")
    func missing() {
        #expect(compare([.init(from: 150, to: 310, reason: "restart")]).differences.count == 1)
    }

    @Test("A gap without a reconnect is false, but not when the spool was full")
    func falseGap() {
        let right = [
            GapComparison.Row(from: 150, to: 310, reason: "restart"), .init(from: 350, to: 410, reason: "stall"),
        ]
        #expect(compare(right + [.init(from: 500, to: 510, reason: "stall")]).differences.count == 1)
        let pause = compare(right + [.init(from: 500, to: 510, reason: "spool_full")])
        #expect(pause.differences.isEmpty && pause.pauseCount == 1)
    }

    @Test("A last connection that had nothing left to bring needs no gap")
    func nothingLeft() {
        let gaps = compare([.init(from: 150, to: 310, reason: "restart")], tickCount: 80)
        #expect(gaps.differences.isEmpty && gaps.expectedCount == 1)
    }

    @Test("Gaps that overlap are told: a span is without data once")
    func overlap() {
        let gaps = compare([.init(from: 150, to: 360, reason: "restart"), .init(from: 350, to: 410, reason: "stall")])
        #expect(gaps.differences.count == 1)
    }
}
