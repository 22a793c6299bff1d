import TestSupport

/// Fills the disk of the producer's spool, as somebody else's files do.
struct FullDisks: Sendable {
    let world: FaultWorld

    /// The producer needs no room as long as Kafka takes all at once, or nothing comes from the exchange.
    private static let limit = Duration.seconds(30)
    private static let refillInterval = Duration.milliseconds(20)

    /// - Returns: whether the producer said that its disk is full, before the time was up. False when the spool has
    ///   no disk of its own.
    func perform(_ brokers: BrokerFault.BrokersMeanwhile, milliseconds: Int) async throws -> Bool {
        guard let disk = world.disk else { return false }
        let start = Chronicle.now
        if brokers != .there { world.broker.perform(.down(broker: nil)) }
        let saidAt = try await fill(disk) ? Chronicle.now : nil
        if brokers == .awayUntilFull { world.broker.perform(.up(broker: nil)) }
        try await Task.sleep(for: .milliseconds(milliseconds))
        try disk.empty()
        let span = Span(from: start, to: Chronicle.now)
        world.chronicle.add(.fullDisk, span)
        world.note(Filling(span: span, saidAt: saidAt))
        if brokers == .awayUntilFreed { world.broker.perform(.up(broker: nil)) }
        return saidAt != nil
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
