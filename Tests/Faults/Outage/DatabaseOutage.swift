import TestSupport

/// The database is away: the consumer goes on by itself when it is back.
struct DatabaseOutage: Sendable {
    let time: Duration
    let rate: Int
    let seed: UInt64

    private static let calm = Duration.seconds(5)
    private static let resumeLimit = Duration.seconds(5)

    func run() async throws -> OutageReport {
        let session = Session.numbered(seed: seed, rate: rate, time: time + Self.calm + Self.calm)
        let services: @Sendable (FaultWorld) -> [ServiceKeeper] = { [$0.producer, $0.consumers[0]] }
        return try await FaultWorld.with(session, rate: rate, running: services) { world in
            try await world.begin(services(world))
            try await world.sent(rate * Int(Self.calm.inSeconds), within: .seconds(60))
            try await world.database.wait(for: "SELECT count(*) > 0 FROM trade_data", toBe: "t")
            try await world.server.kill()
            try await Task.sleep(for: time)
            try await world.server.restart()
            let resumeTime = try await ContinuousClock().measure {
                let before = try await world.committedRecords()
                try await world.committed(moreThan: before)
            }
            return try await report(world, resumeTime, services(world))
        }
    }

    private func report(
        _ world: FaultWorld, _ resumeTime: Duration, _ services: [ServiceKeeper]
    ) async throws -> OutageReport {
        let count = world.session.frameCount
        try await world.sent(count, within: time + .seconds(60))
        _ = try? await world.committed(moreThan: count - 1)
        let comparison = try await TickComparison.run(world.session, world.database.configuration)
        var report = OutageReport()
        report.add("first commit after its return", resumeTime, limit: Self.resumeLimit)
        report.add("rows", comparison.rowCount, expected: count)
        report.add(differences: comparison.differences)
        try? await world.gapsArrived(within: .seconds(15))
        report.add(
            GapComparison(
                world.exchange.observed.value.resumptions, tickCount: count, gaps: try await world.gaps(),
                GapEvidence(world, stallTimeout: FaultWorld.defaultStallTimeout)))
        report.add(servicesOf: services)
        return report
    }
}
