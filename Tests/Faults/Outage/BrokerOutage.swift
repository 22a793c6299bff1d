import TestSupport

/// The broker is away: frames wait in the spool, and drain when it is back while new ones queue behind.
struct BrokerOutage: Sendable {
    let time: Duration
    let rate: Int
    let seed: UInt64

    /// So many that no partition grows beyond what the mock cluster keeps before it is read.
    private static let partitions = 200
    private static let markets = 400
    /// Before the outage, and after it.
    private static let calm = Duration.seconds(5)
    private static let memoryLimitBytes = 100_000_000
    /// The backlog's own time to the time in which it drains.
    private static let drainRatio = 20.0
    /// A shorter backlog drains faster than a client connects.
    private static let shortestRatioTime = Duration.seconds(300)

    func run() async throws -> OutageReport {
        let session = Session.numbered(
            seed: seed, rate: rate, time: time + Self.calm + Self.calm, markets: Self.markets)
        let services: @Sendable (FaultWorld) -> [ServiceKeeper] = { [$0.producer] }
        return try await FaultWorld.with(session, rate: rate, partitions: Self.partitions, running: services) { world in
            let tally = TickTally(world.broker, tickCount: session.frameCount)
            async let reading: Void = tally.run()
            defer { tally.stop() }
            let report = try await run(world, tally)
            tally.stop()
            try await reading
            return report
        }
    }

    private func run(_ world: FaultWorld, _ tally: TickTally) async throws -> OutageReport {
        let count = world.session.frameCount
        let watch = RoundWatch(world)
        try await world.begin([world.producer])
        try await world.sent(rate * Int(Self.calm.inSeconds), within: .seconds(60))
        world.broker.perform(.down(broker: nil))
        try await Task.sleep(for: time)
        watch.look(at: world.producer.state.value.process, world.producer.name)
        let spoolBytes = Footprint.diskBytes(of: world.spoolFolder)
        let backlog = world.exchange.observed.value.playback.position
        let waiting = backlog - tally.observed.value.ticks
        world.broker.perform(.up(broker: nil))
        let drainTime = try await ContinuousClock().measure {
            try await tally.observed.wait(within: time + .seconds(120)) { $0.ticks >= backlog }
        }
        watch.look(at: world.producer.state.value.process, world.producer.name)
        try await world.sent(count, within: Self.calm + .seconds(60))
        _ = try? await tally.observed.wait(within: .seconds(60)) { $0.ticks == count }
        var report = OutageReport()
        report.add("backlog", "\(grouped(waiting)) frames, \(spoolBytes >> 20) MiB in the spool")
        report.add("drained in", seconds(drainTime))
        addRatio(Double(waiting) / Double(rate) / drainTime.inSeconds, to: &report)
        addMemory(watch.figures.peakResidentBytes.values.max() ?? 0, to: &report)
        addTally(tally.observed.value, count, to: &report)
        return report
    }

    private func addRatio(_ ratio: Double, to report: inout OutageReport) {
        report.add("times real time", "\(Int(ratio)) (at least \(Int(Self.drainRatio)), from 5 minutes on)")
        if time >= Self.shortestRatioTime, ratio < Self.drainRatio {
            report.add(differences: ["the backlog drained at \(ratio) times real time"])
        }
    }

    private func addMemory(_ bytes: Int, to report: inout OutageReport) {
        report.add("producer's largest memory", "\(bytes / 1_000_000) MB (less than 100)")
        if bytes >= Self.memoryLimitBytes { report.add(differences: ["the producer had \(bytes) bytes in memory"]) }
    }

    private func addTally(_ counts: TickTally.Counts, _ sent: Int, to report: inout OutageReport) {
        report.add("ticks in Kafka", "\(grouped(counts.ticks)) of \(grouped(sent)), \(counts.repeats) of them again")
        if counts.ticks != sent { report.add(differences: ["\(sent - counts.ticks) ticks are not in Kafka"]) }
        if counts.strangers > 0 { report.add(differences: ["\(counts.strangers) records are no ticks"]) }
    }
}
