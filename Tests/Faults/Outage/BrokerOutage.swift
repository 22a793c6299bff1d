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
        // Of every process that the producer has, at every moment: also while it drains.
        var report = try await whileRunning([watch.run]) {
            try await world.sent(rate * Int(Self.calm.inSeconds), within: .seconds(60))
            world.broker.perform(.down(broker: nil))
            try await Task.sleep(for: time)
            let spoolBytes = Footprint.diskBytes(of: world.spoolFolder)
            let backlog = world.exchange.observed.value.playback.position
            let waiting = backlog - tally.observed.value.ticks
            world.broker.perform(.up(broker: nil))
            let drainTime = try await ContinuousClock().measure {
                try await tally.observed.wait(within: time + .seconds(120)) { $0.ticks >= backlog }
            }
            try await world.sent(count, within: Self.calm + .seconds(60))
            _ = try? await tally.observed.wait(within: .seconds(60)) { $0.ticks == count }
            watch.look(at: world.producer.state.value.process, world.producer.name)
            var report = OutageReport()
            report.add("backlog", "\(grouped(waiting)) frames, \(spoolBytes >> 20) MiB in the spool")
            report.add("drained in", seconds(drainTime))
            addPace(Double(waiting) / drainTime.inSeconds, to: &report)
            return report
        }
        addMemory(watch.figures.peakResidentBytes.values.max(), to: &report)
        addTally(tally.observed.value, count, to: &report)
        // Behind the last tick the feed is silent, and the producer connects anew while the last ones are counted.
        report.add("connections", world.exchange.observed.value.resumptions.count { $0.wanted < count }, expected: 1)
        report.add(servicesOf: [world.producer])
        return report
    }

    private func addPace(_ framesPerSecond: Double, to report: inout OutageReport) {
        let ratio = framesPerSecond / Double(rate)
        report.add(
            "drained", "\(grouped(Int(framesPerSecond))) frames/s, \(Int(ratio)) times the \(grouped(rate)) sent",
            limit: "at least \(Int(Self.drainRatio)) times, from 5 minutes on",
            isKept: time < Self.shortestRatioTime ? nil : ratio >= Self.drainRatio)
    }

    private func addMemory(_ bytes: Int?, to report: inout OutageReport) {
        report.add(
            "producer's largest memory", bytes.map { "\($0 / 1_000_000) MB" } ?? "-", limit: "less than 100 MB",
            isKept: bytes.map { $0 < Self.memoryLimitBytes })
    }

    private func addTally(_ counts: TickTally.Counts, _ sent: Int, to report: inout OutageReport) {
        report.add("ticks in Kafka", counts.ticks, expected: sent)
        report.add("of them again", grouped(counts.repeats))
        report.add("records that are no ticks", counts.strangers, expected: 0)
        // The socket was there all the time, and the spool had room.
        report.add("gaps", counts.gaps, expected: 0)
    }
}
