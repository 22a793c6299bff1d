import TestSupport

/// The network to the exchange drops everything, without a FIN: the producer notices, never gives up, and
/// is back soon after the network is.
struct NetworkOutage: Sendable {
    let time: Duration
    let rate: Int
    let seed: UInt64

    private static let calm = Duration.seconds(5)
    private static let noticeLimit = Duration.seconds(10)
    private static let returnLimit = Duration.seconds(3)

    func run() async throws -> OutageReport {
        // The exchange waits meanwhile, so the session is only the calm.
        let session = Session.numbered(seed: seed, rate: rate, time: Self.calm + Self.calm)
        let services: @Sendable (FaultWorld) -> [ServiceKeeper] = { [$0.producer, $0.consumers[0]] }
        return try await FaultWorld.with(session, rate: rate, running: services) { world in
            try await world.begin(services(world))
            try await world.sent(rate * Int(Self.calm.inSeconds), within: .seconds(60))
            return try await run(world, services(world))
        }
    }

    private func run(_ world: FaultWorld, _ services: [ServiceKeeper]) async throws -> OutageReport {
        guard let producer = world.producer.state.value.process else { throw SetupError("no producer runs") }
        // What it said before does not count.
        let begin = producer.errors.count
        try await world.exchangeProxy.stall()
        let noticeTime = try await ContinuousClock().measure {
            try await producer.errorLine(containing: "no data: connecting anew", after: begin, within: .seconds(60))
        }
        let attempts = world.exchangeProxy.observed.value.acceptedCount
        try await Task.sleep(for: time)
        let attemptCount = world.exchangeProxy.observed.value.acceptedCount - attempts
        let position = producer.errors.count
        try await world.exchangeProxy.recover(.forgetting)
        let returnTime = try await ContinuousClock().measure {
            try await producer.errorLine(containing: "receiving", after: position, within: .seconds(60))
        }
        var report = OutageReport()
        report.add("dead socket noticed after", noticeTime, limit: Self.noticeLimit)
        report.add("first tick after its return", returnTime, limit: Self.returnLimit)
        let fewest = Int(time.inSeconds / 10)
        report.add(
            "attempts meanwhile", "\(attemptCount)", limit: "at least \(fewest)",
            isKept: fewest == 0 ? nil : attemptCount >= fewest)
        try await add(world, to: &report)
        report.add(servicesOf: services)
        return report
    }

    private func add(_ world: FaultWorld, to report: inout OutageReport) async throws {
        let count = world.session.frameCount
        try await world.sent(count, within: .seconds(60))
        _ = try? await world.committed(moreThan: count - 1)
        try? await world.gapsArrived(within: .seconds(15))
        let comparison = try await TickComparison.run(world.session, world.database.configuration)
        let gaps = GapComparison(
            world.exchange.observed.value.resumptions, tickCount: count, gaps: try await world.gaps(),
            GapEvidence(world, stallTimeout: FaultWorld.defaultStallTimeout))
        report.add("rows", comparison.rowCount, expected: count)
        report.add(gaps)
        report.add(differences: comparison.differences)
    }
}
