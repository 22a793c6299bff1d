import TestSupport
import Testing

@testable import Faults

@Suite struct GapComparisonTests {
    /// Times are seconds here, microseconds there. Connections at 100, 200, 300 and 400 that wanted the frames from 0,
    /// 50, 50 and 80; the third of them went on where the second had begun, so the second brought nothing. The last
    /// frames that came were sent at 190 and at 395, and the first ones a second after the subscriptions.
    private static let resumptions: [ExchangeObservations.Resumption] = [
        resumption(wanted: 0, at: 100, lastSent: nil), resumption(wanted: 50, at: 200, lastSent: 190),
        resumption(wanted: 50, at: 300, lastSent: 190), resumption(wanted: 80, at: 400, lastSent: 395),
    ]

    private static func resumption(
        wanted: Int, at time: Int64, lastSent: Int64?
    ) -> ExchangeObservations.Resumption {
        .init(
            connection: wanted, wanted: wanted, reached: wanted, microseconds: time * 1_000_000,
            lastSent: lastSent.map { $0 * 1_000_000 }, firstSent: (time + 1) * 1_000_000)
    }

    private func gap(_ from: Double, _ to: Double, _ reason: String) -> GapComparison.Row {
        .init(from: Int64(from * 1_000_000), to: Int64(to * 1_000_000), reason: reason)
    }

    private func span(_ from: Int64, _ to: Int64) -> Span { Span(from: from * 1_000_000, to: to * 1_000_000) }

    /// Of a producer that began anew at 250, and was cut off at 397.
    private var evidence: GapEvidence {
        var evidence = GapEvidence(stallTimeout: .seconds(2))
        evidence.starts = [90_000_000, 250_000_000]
        evidence.cuts = [span(397, 397)]
        return evidence
    }

    private var right: [GapComparison.Row] { [gap(190.1, 301.1, "restart"), gap(395.1, 401.1, "disconnect")] }

    private func differences(
        _ gaps: [GapComparison.Row], tickCount: Int = 100, _ change: (inout GapEvidence) -> Void = { _ in }
    ) -> [String] {
        var evidence = evidence
        change(&evidence)
        return GapComparison(Self.resumptions, tickCount: tickCount, gaps: gaps, evidence).differences
    }

    @Test("One gap before every connection that brought data, except the first, is as it should be")
    func asPromised() {
        let gaps = GapComparison(Self.resumptions, tickCount: 100, gaps: right, evidence)
        #expect(gaps.differences.isEmpty && gaps.expectedCount == 2 && gaps.pauseCount == 0)
    }

    @Test("A gap that is missing is told")
    func missing() {
        #expect(differences([right[0]]).count == 1)
    }

    @Test("One gap over everything is not the gap of each connection")
    func giant() {
        #expect(!differences([gap(0, 1_000, "restart")]).isEmpty)
        #expect(!differences([gap(0, 301.1, "restart"), right[1]]).isEmpty)
        #expect(!differences([right[0], gap(395.1, 500, "disconnect")]).isEmpty)
    }

    @Test("A gap of a moment is not all of the time without data")
    func tiny() {
        #expect(!differences([gap(300, 300.000_001, "restart"), right[1]]).isEmpty)
        #expect(!differences([right[0], gap(399.999_999, 400, "disconnect")]).isEmpty)
    }

    @Test("A gap that begins before its last frame was sent, or ends before its first one was, is no such gap")
    func tooLong() {
        #expect(differences([gap(189.9, 301.1, "restart"), right[1]]).count == 1)
        #expect(differences([gap(190.1, 300.9, "restart"), right[1]]).count == 1)
    }

    @Test("A gap that begins, or ends, later than what was sent must have come is told, but not when that came late")
    func late() {
        let late = [gap(195, 301.1, "restart"), gap(395.1, 408, "disconnect")]
        #expect(differences(late).count == 2)
        #expect(differences(late) { $0.delays = [span(191, 194), span(400, 407)] }.isEmpty)
    }

    @Test(
        "A reason that cannot be is told",
        arguments: [
            ("disconnect", "disconnect"), ("stall", "disconnect"), ("restart", "restart"), ("restart", "spool_full"),
            ("restart", "spool_damaged"),
        ])
    func wrongReason(first: String, second: String) {
        #expect(differences([gap(190.1, 301.1, first), gap(395.1, 401.1, second)]).count == 1)
    }

    @Test("A stall lasts as long as its timeout, and is none when the connection had been cut before that")
    func stall() {
        let stalled = [right[0], gap(395.1, 401.1, "stall")]
        #expect(differences(stalled) { $0.cuts = [] }.isEmpty)
        #expect(differences(stalled) { $0.cuts = [span(398, 398)] }.isEmpty)
        #expect(differences(stalled) { $0.cuts = [span(396, 396)] }.count == 1)
        #expect(
            differences(stalled) {
                $0.cuts = []
                $0.stallTimeoutMicroseconds = 7_000_000
            }.count == 1)
        #expect(differences([right[0], gap(395.1, 401.1, "disconnect")]) { $0.cuts = [] }.count == 1)
    }

    @Test("A gap without a reconnect is false, but not when the spool was full")
    func falseGap() {
        #expect(differences(right + [gap(500, 501, "stall")]).count == 1)
        #expect(differences(right + [gap(500, 501, "spool_full")]).count == 1)
        for full in [\GapEvidence.fullSpools, \.fullDisks] {
            #expect(differences(right + [gap(500, 501, "spool_full")]) { $0[keyPath: full] = [span(499, 500)] }.isEmpty)
        }
    }

    @Test("A pause that goes on when there has long been room, and data, is told")
    func longPause() {
        let gaps = right + [gap(500, 510, "spool_full")]
        #expect(differences(gaps) { $0.fullSpools = [span(499, 502)] }.count == 1)
        #expect(differences(gaps) { $0.fullSpools = [span(499, 502), span(503, 509)] }.isEmpty)
        #expect(
            differences(gaps) {
                $0.fullSpools = [span(499, 502)]
                $0.silences = [span(501, 509)]
            }.isEmpty)
    }

    @Test("A spool that was said to be full is a pause in the ledger, or part of a restart's gap")
    func fillings() {
        let fill: (inout GapEvidence) -> Void = {
            $0.fillings = [Filling(span: span(490, 505), saidAt: 500_500_000)]
            $0.fullSpools = [span(490, 505)]
        }
        #expect(differences(right + [gap(500, 501, "spool_full")], fill).isEmpty)
        #expect(differences(right, fill).count == 1)
        #expect(
            differences(right) {
                $0.fillings = [Filling(span: span(240, 245), saidAt: 245_000_000)]
            }.isEmpty)
        #expect(differences(right) { $0.fillings = [Filling(span: span(490, 505), saidAt: nil)] }.isEmpty)
    }

    @Test("A last connection that had nothing left to bring needs no gap")
    func nothingLeft() {
        #expect(differences([right[0]], tickCount: 80).isEmpty)
    }

    @Test("Gaps that overlap are told: a span is without data once")
    func overlap() {
        let gaps = [gap(190.1, 395.2, "restart"), right[1]]
        #expect(differences(gaps) { $0.delays = [span(300, 395)] }.count == 1)
    }
}
