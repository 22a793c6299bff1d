import TestSupport

/// Fills the disk of the producer's spool, as somebody else's files do.
final class FullDisks: Sendable {
    struct Figures: Sendable {
        var fills = 0
        /// How many of them the producer said, before the time was up.
        var saidCount = 0
    }

    let observed = WatchedValue(Figures())
    private let world: FaultWorld

    /// The producer needs no room as long as Kafka takes all at once, or nothing comes from the exchange.
    private static let limit = Duration.seconds(20)
    private static let refillInterval = Duration.milliseconds(20)

    init(_ world: FaultWorld) { self.world = world }

    /// Does nothing when the spool has no disk of its own.
    func perform(_ fault: Fault) async throws {
        guard case .fillDisk(let brokers, let milliseconds) = fault, let disk = world.disk else { return }
        if brokers != .there { world.broker.perform(.down(broker: nil)) }
        let isSaid = try await fill(disk)
        observed.update {
            $0.fills += 1
            $0.saidCount += isSaid ? 1 : 0
        }
        if brokers == .awayUntilFull { world.broker.perform(.up(broker: nil)) }
        try await Task.sleep(for: .milliseconds(milliseconds))
        try disk.empty()
        if brokers == .awayUntilFreed { world.broker.perform(.up(broker: nil)) }
    }

    /// Returns when the producer, or one after it, has said that its disk is full. What it frees until then is
    /// taken from it.
    private func fill(_ disk: SmallDisk) async throws -> Bool {
        let producer = world.producer
        let refill: @Sendable () async throws -> Void = {
            while !Task.isCancelled {
                try disk.fill()
                try await Task.sleep(for: Self.refillInterval)
            }
        }
        return try await whileRunning([refill]) {
            await producer.waitForNextWord("the spool's disk is full", within: Self.limit)
        }
    }
}
