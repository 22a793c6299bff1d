import TestSupport

/// Somebody filled the producer's spool, or the disk that it is on.
struct Filling: Equatable, Sendable {
    let span: Span
    /// When the producer said that it has no room: microseconds since 1970. Nil when it did not, in time.
    let saidAt: Int64?
}

extension FaultWorld {
    /// How many ticks may be on their way before the brokers go, since the valve closes at some number of them: the
    /// rest is for the spool.
    private static let calmBacklogTicks = 2_000
    private static let calmLimit = Duration.seconds(30)
    private static let fullLimit = Duration.seconds(60)

    /// Lets the spool get full, since no broker is there.
    ///
    /// - Returns: whether the producer said that it is.
    func fillSpool() async throws -> Bool {
        // When they do not catch up in time, it may get full all the same.
        _ = try? await backlog(below: Self.calmBacklogTicks, within: Self.calmLimit)
        let start = Chronicle.now
        var saidAt: Int64?
        let isAway = try await brokers.away(nil) {
            if await producer.waitForNextWord("the spool is full", within: Self.fullLimit) { saidAt = Chronicle.now }
        }
        note(Filling(span: Span(from: start, to: Chronicle.now), saidAt: saidAt))
        return isAway && saidAt != nil
    }

    func note(_ filling: Filling) { fillings.update { $0.append(filling) } }
}
