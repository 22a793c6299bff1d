import Foundation
import Glibc
import TestSupport

/// One run of the whole pipeline through a plan of faults, from the first tick to the checks.
struct FaultRound: Sendable {
    let session: Session
    private let plan: FaultPlan
    private let rate: Int

    /// So small that a round can fill it.
    static let spoolLimitBytes = 4 << 20
    /// Of the producer: short, so that a round has many.
    static let stallTimeout = Duration.seconds(2)
    /// More than the spool takes.
    private static let diskMegabytes = 6
    static let brokerCount = 3
    private static let partitionCount = 48
    private static let malformedOneIn = 500
    /// Hours that the session's own time covers, about.
    private static let hours = 6
    /// How long all services may take, once nothing fails any more, until everything arrived.
    private static let settleLimit = Duration.seconds(180)
    private static let gapLimit = Duration.seconds(30)

    init(seed: UInt64, ticks: Int, rate: Int, kills: Int, pieces: Int) {
        var settings = SeededSettings(seed: seed, frameCount: ticks)
        settings.isNumbered = true
        settings.malformedOneIn = Self.malformedOneIn
        settings.start = Self.start(before: .now)
        // The session's own time runs faster than ours, so that there are hours to load.
        settings.framesPerSecond = max(1, ticks / (Self.hours * 3_600))
        session = .seeded(settings)
        self.rate = rate
        plan = FaultPlan(
            seed: seed,
            .init(ticks: ticks, kills: kills, pieces: pieces, brokers: Self.brokerCount, hours: Self.hours))
    }

    /// Two minutes before the latest midnight, UTC, that is more than a session ago: the exchange's day rolls over in
    /// it, and all of its hours are over and not too old for a loader that is told none.
    static func start(before now: Date) -> Int64 {
        let seconds = Int64(now.timeIntervalSince1970) - Int64(2 * hours + 1) * 3_600
        return (seconds - seconds % 86_400 - 120) * 1_000
    }

    func run() async throws -> RoundResult {
        let start = ContinuousClock.now
        let pipeline = try await Pipeline(
            partitions: Self.partitionCount, brokers: Self.brokerCount, isWarehouseApart: true)
        do {
            let disk = await Self.makeDisk(in: pipeline.folder)
            let world = try await FaultWorld.start(
                over: pipeline, session, rate: rate,
                producer: [
                    "UPBIT_STALL_TIMEOUT": "\(milliseconds(Self.stallTimeout))ms",
                    "SPOOL_MAX_BYTES": "\(Self.spoolLimitBytes)",
                ],
                on: try? disk.get())
            var result = try await run(world, withoutDisk: disk.problem)
            await world.stop()
            result.wallTime = .now - start
            try await pipeline.stop(keepsFolder: !result.differences.isEmpty)
            return result
        } catch {
            print("the round broke off; logs in \(pipeline.folder)")
            try? await pipeline.stop(keepsFolder: true)
            throw error
        }
    }

    /// Fails where the kernel does not let us: the round goes on without the faults of the disk.
    private static func makeDisk(in folder: String) async -> Result<SmallDisk, any Error> {
        do {
            return .success(try await SmallDisk(at: "\(folder)/disk", options: "size=\(diskMegabytes)m"))
        } catch {
            return .failure(error)
        }
    }

    private func run(_ world: FaultWorld, withoutDisk: String?) async throws -> RoundResult {
        var isAsPromised = false
        defer { if !isAsPromised { world.keepSpool() } }
        let watch = RoundWatch(world, spoolLimitBytes: Self.spoolLimitBytes)
        let hours = try await LoadedHours.of(session, world.database)
        let performer = FaultPerformer(
            world: world, loads: KilledLoads(world, watch, hours: hours.names), disks: FullDisks(world: world),
            slowLinks: SlowLinks(world))
        // The services and their watchers run until the faults are through; whoever fails ends them all.
        let unsettled = try await whileRunning(
            [
                watch.run, world.broker.watch, BacklogValve(world: world).run,
                { try await Self.tell(world, performer.loads) },
            ] + world.keepers.map { $0.run }
        ) {
            try await conduct(world, performer)
        }
        let unloaded = try await hours.load(world)
        let evidence = try await RoundEvidence.gather(
            world, plan, watch.figures, performer, withoutDisk: withoutDisk, unfinished: unsettled + unloaded)
        let result = RoundResult(evidence, folder: world.logFolder)
        isAsPromised = result.differences.isEmpty
        return result
    }

    /// Tells now and then how far the round is.
    private static func tell(_ world: FaultWorld, _ loads: KilledLoads) async throws {
        var progress = ProgressLine()
        while !Task.isCancelled {
            try await Task.sleep(for: .seconds(5))
            let committed = try? await world.committedRecords()
            let sent = world.exchange.observed.value.playback.position
            let kills = world.keepers.reduce(loads.observed.value.kills) { $0 + $1.state.value.kills }
            progress.update(
                "sent \(grouped(sent)), committed \(committed.map(grouped) ?? "unknown"), kills \(kills)")
        }
    }

    /// Plays the session through the faults, waits until everything arrived, and stops the services.
    ///
    /// - Returns: what did not arrive in time.
    private func conduct(_ world: FaultWorld, _ performer: FaultPerformer) async throws -> [String] {
        var progress = ProgressLine()
        progress.step("starting the services")
        for consumer in world.consumers {
            try await consumer.state.wait(within: .seconds(30)) { $0.process != nil }
            await consumer.waitForWord("assigned", within: .seconds(30))
        }
        progress.step("sending \(grouped(session.frameCount)) ticks through \(plan.killCount) kills and more")
        try await world.exchange.resume()
        try await performer.run(plan)
        progress.step("no more faults: waiting until everything arrived")
        let unsettled = try await settle(world)
        for keeper in world.keepers { try await keeper.stop() }
        return unsettled
    }

    /// - Returns: what did not arrive in time. The round goes on: the comparison finds what is missing.
    private func settle(_ world: FaultWorld) async throws -> [String] {
        let count = session.frameCount
        try await world.exchange.observed.wait(within: .seconds(count / rate + 300)) {
            $0.playback.isFinished && $0.playback.position == count
        }
        var unsettled: [String] = []
        do { try await world.committed(exactly: count, within: Self.settleLimit) } catch {
            unsettled.append("did not settle: \(error)")
        }
        do { try await world.gapsArrived(within: Self.gapLimit) } catch {
            unsettled.append("the gaps' topic is not in the database: \(error)")
        }
        return unsettled
    }
}

extension Result {
    /// Why it failed, for people; nil when it did not.
    fileprivate var problem: String? {
        if case .failure(let error) = self { "\(error)" } else { nil }
    }
}
