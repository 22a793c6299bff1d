import TestSupport

/// What a round did and found, before anybody judges it.
struct RoundEvidence: Sendable {
    var ticks: SessionTotals
    var totals: RoundTotals
    var rows: TickComparison
    /// Of BigQuery.
    var loadedRows: TickComparison
    var letters: DeadLetterComparison
    var gaps: GapComparison
    var watch: RoundWatch.Figures
    var loads: KilledLoads.Figures
    var slowLinks: SlowLinks.Figures
    /// Of the services that are kept running.
    var ends: [ServiceEnd]
    /// How long services took to end on SIGTERM.
    var stops: [Stop]
    /// What was planned, as far as it can be done here, and how much of it took effect.
    var planned: [FaultKind: Int]
    var effects: [FaultKind: Int]
    /// What the loads at the end, and the waiting before them, did not do.
    var unfinished: [String]
    /// Why the faults of the disk could not be done here; nil when they could.
    var withoutDisk: String?

    struct Stop: Sendable {
        let service: String
        let time: Duration
    }

    /// Of whom the memory has to be known.
    static let services = ["producer", "consumer-1", "consumer-2", "loader"]
}

extension RoundEvidence {
    /// Looks at everything when all is quiet.
    ///
    /// - Parameter unfinished: what is known not to be as promised.
    static func gather(
        _ world: FaultWorld, _ plan: FaultPlan, _ watch: RoundWatch.Figures, _ performer: FaultPerformer,
        withoutDisk: String?, unfinished: [String]
    ) async throws -> RoundEvidence {
        let ticks = world.session.totals()
        let gaps = GapComparison(
            world.exchange.observed.value.resumptions, tickCount: ticks.frameCount, gaps: try await world.gaps(),
            GapEvidence(world, stallTimeout: FaultRound.stallTimeout))
        return RoundEvidence(
            ticks: ticks, totals: try await RoundTotals(world),
            rows: try await TickComparison.run(world.session, world.database.configuration),
            loadedRows: try await TickComparison.run(
                world.session, world.warehouse.database, table: StrictFake.finalTable),
            letters: try await DeadLetterComparison.run(world), gaps: gaps, watch: watch,
            loads: performer.loads.observed.value, slowLinks: performer.slowLinks.observed.value,
            ends: world.keepers.flatMap(\.state.value.ends),
            stops: world.keepers.flatMap { keeper in
                keeper.state.value.stopTimes.map { Stop(service: keeper.name, time: $0) }
            },
            planned: plan.counts.filter { withoutDisk == nil || !$0.key.isFullDisk },
            effects: performer.effects.value, unfinished: unfinished, withoutDisk: withoutDisk)
    }
}
