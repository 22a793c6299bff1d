import Market
import TestSupport

/// What a round did and found.
struct RoundResult: Sendable {
    /// Empty when every promise was kept.
    private(set) var differences: [String]
    /// With the logs.
    let folder: String
    var wallTime = Duration.zero
    let totals: RoundTotals
    let ticks: SessionTotals
    let plan: FaultPlan
    let watch: RoundWatch.Figures
    let loads: KilledLoads.Figures
    let disks: FullDisks.Figures
    let slowLinks: SlowLinks.Figures
    /// By service.
    let kills: [(name: String, count: Int)]
    /// How long services took to end on SIGTERM, shortest first.
    let stopTimes: [Duration]
    let gapCount: Int
    let pauseCount: Int

    init(
        _ world: FaultWorld, _ plan: FaultPlan, _ watch: RoundWatch.Figures, _ loads: KilledLoads.Figures,
        _ disks: FullDisks.Figures, _ slowLinks: SlowLinks.Figures, differences: [String]
    ) async throws {
        self.slowLinks = slowLinks
        self.plan = plan
        self.watch = watch
        self.loads = loads
        self.disks = disks
        folder = world.logFolder
        ticks = world.session.totals()
        totals = try await RoundTotals(world)
        kills = world.keepers.map { ($0.name, $0.state.value.kills) } + [("loader", loads.kills)]
        stopTimes = world.keepers.flatMap(\.state.value.stopTimes).sorted()
        let gaps = GapComparison(
            world.exchange.observed.value.resumptions, tickCount: ticks.frameCount, gaps: try await world.gaps())
        (gapCount, pauseCount) = (gaps.expectedCount, gaps.pauseCount)
        let comparison = try await TickComparison.run(world.session, world.database.configuration)
        let loaded = try await TickComparison.run(
            world.session, world.warehouse.database, table: StrictFake.finalTable)
        let letters = try await DeadLetterComparison.run(world)
        self.differences = differences + comparison.differences + gaps.differences + watch.mismatches
        self.differences += loaded.differences.map { "BigQuery: \($0)" } + letters.differences
        self.differences += totals.differences(from: ticks) + Self.bounds(watch) + Self.ends(world, loads)
    }

    /// For a service to end in on SIGTERM, and a little for the machine that all of this runs on.
    private static let stopLimit = Duration.milliseconds(5_500)

    /// Memory and disk stay bounded, whatever happens.
    private static func bounds(_ watch: RoundWatch.Figures) -> [String] {
        var differences = watch.peakResidentBytes.filter { $0.value > 300 << 20 }.map { name, bytes in
            "\(name) had \(bytes >> 20) MB in memory"
        }
        // The limit is of whole segments; the state beside them is small.
        if watch.peakSpoolBytes > FaultRound.spoolLimitBytes + (1 << 20) {
            differences.append("the spool had \(watch.peakSpoolBytes) bytes, more than \(FaultRound.spoolLimitBytes)")
        }
        return differences
    }

    /// A service may end by itself only when something that it needs was away: exit code 69.
    private static func ends(_ world: FaultWorld, _ loads: KilledLoads.Figures) -> [String] {
        let slow = world.keepers.flatMap { keeper in
            keeper.state.value.stopTimes.filter { $0 > stopLimit }.map {
                "\(keeper.name): took \($0) to end on SIGTERM"
            }
        }
        let ends = world.keepers.flatMap { keeper in keeper.state.value.ownEnds.map { "\(keeper.name): \($0)" } }
        return slow + (ends + loads.failures.map { "loader: \($0)" }).filter { !$0.contains("code(69)") }
    }
}
