import Market
import TestSupport

/// The gap ledger beside what the exchange saw, gap by gap.
///
/// Between two connections that brought data there was a span without: from the last frame that the producer has of
/// the one to the first of the other. It is one gap, which begins not before that frame was sent and not after it
/// must have come, and so it ends. Its reason has to be possible. Any other gap is a pause because the spool was
/// full, when it can have been.
struct GapComparison: Sendable {
    /// A row of `gaps`; microseconds since 1970.
    struct Row: Equatable, Sendable {
        let from: Int64
        let to: Int64
        let reason: String

        fileprivate var span: Span { Span(from: from, to: to) }
        fileprivate var isPause: Bool { reason == Gap.Reason.spoolFull.rawValue }
    }

    let expectedCount: Int
    private(set) var pauseCount = 0
    private(set) var differences: [String] = []
    private let evidence: GapEvidence

    /// - Parameters:
    ///   - resumptions: in their order.
    ///   - tickCount: how many ticks were accepted in the end.
    ///   - gaps: in the order of their beginnings.
    init(_ resumptions: [ExchangeObservations.Resumption], tickCount: Int, gaps: [Row], _ evidence: GapEvidence) {
        self.evidence = evidence
        // A connection brought data when the next one wants more than it did.
        let ends = resumptions.dropFirst().map(\.wanted) + [tickCount]
        let delivering = zip(resumptions, ends).filter { $1 > $0.wanted }.map(\.0)
        expectedCount = max(0, delivering.count - 1)
        var rest = gaps
        for (before, connection) in zip(delivering, delivering.dropFirst()) {
            let found = rest.indices.filter { rest[$0].span.contains(connection.microseconds) }
            guard found.count == 1, let index = found.first else {
                let rows = found.map { rest[$0] }
                differences.append(
                    "\(found.count) gaps for the connection at \(connection.microseconds), not 1: \(rows)")
                continue
            }
            compare(rest.remove(at: index), before, connection)
        }
        for gap in rest { comparePause(gap) }
        for (gap, next) in zip(gaps, gaps.dropFirst()) where next.from < gap.to {
            differences.append("gaps overlap: \(gap), \(next)")
        }
        for filling in evidence.fillings { compare(filling, gaps) }
    }

    // MARK: Between connections

    private mutating func compare(
        _ gap: Row, _ before: ExchangeObservations.Resumption, _ connection: ExchangeObservations.Resumption
    ) {
        guard let lastSent = connection.lastSent, let firstSent = connection.firstSent else {
            return differences.append("\(gap): nothing was sent before the connection of \(connection), or on it")
        }
        // A spool without room holds back what was sent, too: the socket is not read.
        let hindrances = evidence.delays + evidence.fullSpools + evidence.fullDisks
        let beginning = Span(
            from: lastSent, to: min(connection.microseconds, evidence.latestArrival(lastSent, past: hindrances)))
        let end = Span(from: firstSent, to: evidence.latestArrival(firstSent, past: hindrances))
        if !beginning.contains(gap.from) { differences.append("\(gap) begins outside of \(beginning)") }
        if !end.contains(gap.to) { differences.append("\(gap) ends outside of \(end)") }
        let reasons = possibleReasons(gap, before, connection, lastSent: lastSent)
        if !reasons.contains(gap.reason) { differences.append("\(gap): the reason can be one of \(reasons)") }
    }

    /// A new process knows only of itself. Otherwise the first thing that kept data away is the reason.
    private func possibleReasons(
        _ gap: Row, _ before: ExchangeObservations.Resumption, _ connection: ExchangeObservations.Resumption,
        lastSent: Int64
    ) -> [String] {
        if evidence.hasStart(after: before.microseconds, until: connection.microseconds) {
            return [Gap.Reason.restart.rawValue]
        }
        var reasons: [Gap.Reason] = []
        // From the last frame that came to the next subscription.
        let silence = Span(from: lastSent, to: connection.microseconds)
        let cuts = evidence.cuts.filter(silence.overlaps)
        if !cuts.isEmpty { reasons.append(.disconnect) }
        let timeout = evidence.stallTimeoutMicroseconds
        let isLong = gap.to - gap.from >= timeout
        // A connection that is cut cannot stall any more, as soon as a producer that runs has noticed.
        let isCutFirst = cuts.contains { cut in
            cut.from >= gap.from && cut.from < gap.from + timeout / 2
                && !evidence.delays.contains { $0.overlaps(Span(from: gap.from, to: gap.from + timeout)) }
        }
        if isLong, !isCutFirst { reasons.append(.stall) }
        if evidence.canBeFull(at: gap.from) { reasons.append(.spoolFull) }
        return reasons.map(\.rawValue)
    }

    // MARK: Pauses

    private mutating func comparePause(_ gap: Row) {
        guard gap.isPause, evidence.canBeFull(at: gap.from) else {
            return differences.append("a gap where there was none: \(gap)")
        }
        pauseCount += 1
        // It ends soon after there is room, or data again.
        let hindrances = evidence.delays + evidence.fullSpools + evidence.fullDisks + evidence.silences
        let latest = evidence.latestArrival(gap.from, past: hindrances)
        if gap.to > latest { differences.append("\(gap) ends after \(latest), when there had long been room") }
    }

    /// When the producer says that it has no room, that is in the ledger, with that reason unless it was killed before
    /// there was room.
    private mutating func compare(_ filling: Filling, _ gaps: [Row]) {
        guard let saidAt = filling.saidAt else { return }
        let slack = evidence.stallTimeoutMicroseconds / 2
        let said = Span(from: saidAt - slack, to: saidAt + slack)
        let isTold = gaps.contains { gap in
            gap.span.overlaps(said) && (gap.isPause || evidence.hasStart(after: said.from, until: gap.to))
        }
        if !isTold { differences.append("the spool was full at \(saidAt), which is no gap") }
    }
}
