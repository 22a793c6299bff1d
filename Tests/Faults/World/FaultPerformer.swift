import Glibc
import TestSupport

/// Lets the faults of a plan happen, and counts those that took effect.
struct FaultPerformer: Sendable {
    let world: FaultWorld
    let loads: KilledLoads
    let disks: FullDisks
    let slowLinks: SlowLinks
    /// How many faults of each kind met what they were meant for.
    let effects = WatchedValue<[FaultKind: Int]>([:])

    /// A successor that does not say that it works within this time may be killed all the same.
    private static let workLimit = Duration.seconds(20)
    /// How long a fault waits for somebody whom it can meet.
    private static let victimLimit = Duration.seconds(30)

    /// Performs all faults. Those of a lane come one after the other, each when the session is there.
    func run(_ plan: FaultPlan) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await run(.producer, plan.producer) {
                    try await perform($0, on: world.producer, isWorking: "receiving")
                }
            }
            for (lane, events, consumer) in [
                (FaultPlan.Lane.firstConsumer, plan.firstConsumer, world.consumers[0]),
                (.secondConsumer, plan.secondConsumer, world.consumers[1]),
            ] {
                group.addTask {
                    try await run(lane, events) { try await perform($0, on: consumer, isWorking: "assigned") }
                }
            }
            group.addTask { try await run(.loader, plan.loader) { try await loads.perform($0) } }
            group.addTask { try await run(.database, plan.database) { try await perform($0) } }
            group.addTask { try await run(.broker, plan.broker) { try await perform($0) } }
            group.addTask { try await run(.network, plan.network) { try await perform($0) } }
            try await group.waitForAll()
        }
    }

    /// - Parameter perform: returns whether the fault took effect.
    private func run<Fault>(
        _ lane: FaultPlan.Lane, _ events: [FaultPlan.Event<Fault>], _ perform: (Fault) async throws -> Bool
    ) async throws {
        for event in events {
            try await world.exchange.observed.wait(within: .seconds(7_200)) {
                $0.playback.position >= event.position
            }
            guard try await perform(event.fault) else { continue }
            effects.update { $0[FaultKind(lane, event.fault), default: 0] += 1 }
        }
    }

    private func perform(
        _ fault: ServiceFault, on keeper: ServiceKeeper, isWorking word: String
    ) async throws -> Bool {
        switch fault {
        case .kill(let workMilliseconds):
            guard try await keeper.kill() else { return false }
            guard let workMilliseconds else { return true }
            await keeper.waitForWord(word, within: Self.workLimit)
            try await Task.sleep(for: .milliseconds(workMilliseconds))
            return true
        case .terminate: return try await keeper.terminate()
        case .freeze(let milliseconds):
            let start = Chronicle.now
            let isFrozen = try await keeper.freeze { try await Task.sleep(for: .milliseconds(milliseconds)) }
            // Whatever the exchange sent meanwhile comes late.
            if keeper === world.producer { world.chronicle.add(.delay, Span(from: start, to: Chronicle.now)) }
            return isFrozen
        }
    }

    private func perform(_ fault: DatabaseFault) async throws -> Bool {
        let proxy = world.databaseProxy
        switch fault {
        case .crash(let milliseconds):
            try await world.server.kill()
            try await Task.sleep(for: .milliseconds(milliseconds))
            try await world.server.restart()
        case .restart:
            try await world.server.shutDown()
            try await world.server.restart()
        case .cut(let ending):
            guard await hasConnection(proxy) else { return false }
            try await proxy.cut(ending)
        case .loseCommit(let isAnswer):
            let trapped = proxy.observed.value.trappedCount
            try await proxy.set(.init("COMMIT", isAnswer ? .toClient : .toTarget, .beforeForwarding))
            // When nobody commits there is nothing to lose.
            let isLost = (try? await proxy.observed.wait(within: Self.victimLimit) { $0.trappedCount > trapped }) != nil
            try await proxy.set(nil)
            return isLost
        case .stall(let milliseconds):
            guard await hasConnection(proxy) else { return false }
            try await proxy.stall()
            try await Task.sleep(for: .milliseconds(milliseconds))
            try await proxy.recover(.goingOn)
        case .slow(let milliseconds):
            guard await hasConnection(proxy) else { return false }
            try await slowLinks.slowDatabase(milliseconds: milliseconds)
        }
        return true
    }

    private func perform(_ fault: BrokerFault) async throws -> Bool {
        guard let mock = world.broker.mock else { return false }
        switch fault {
        case .down(let number, let milliseconds):
            return try await world.brokers.away(number) { try await Task.sleep(for: .milliseconds(milliseconds)) }
        case .freeze(let milliseconds):
            mock.send(SIGSTOP)
            defer { mock.send(SIGCONT) }
            guard await mock.isStopped(within: .seconds(1)) else { return false }
            try await Task.sleep(for: .milliseconds(milliseconds))
        case .moveLeaders(let seed):
            var random = SplitMix64(seed: seed)
            for partition in 0..<world.broker.partitions where random.oneIn(3) {
                world.broker.perform(.lead(partition: partition, broker: 1 + random.below(FaultRound.brokerCount)))
            }
        case .slow(let milliseconds):
            world.broker.perform(.delay(milliseconds: 100))
            try await Task.sleep(for: .milliseconds(milliseconds))
            world.broker.perform(.delay(milliseconds: 0))
        case .fillSpool: return try await world.fillSpool()
        case .fillDisk(let brokers, let milliseconds):
            return try await disks.perform(brokers, milliseconds: milliseconds)
        }
        return true
    }

    private func perform(_ fault: NetworkFault) async throws -> Bool {
        let proxy = world.exchangeProxy
        guard await hasConnection(proxy) else { return false }
        switch fault {
        case .cut(let ending): try await world.chronicle.during(.cut) { try await proxy.cut(ending) }
        case .stall(let milliseconds, let isForgotten):
            try await world.chronicle.during(.delay) {
                try await proxy.stall()
                try await Task.sleep(for: .milliseconds(milliseconds))
                try await proxy.recover(isForgotten ? .forgetting : .goingOn)
            }
        case .refuse(let milliseconds):
            try await world.chronicle.during(.cut) {
                try await proxy.setRefusing(true)
                try await proxy.cut(.reset)
                try await Task.sleep(for: .milliseconds(milliseconds))
                try await proxy.setRefusing(false)
            }
        case .slow(let milliseconds): try await slowLinks.slowExchange(milliseconds: milliseconds)
        }
        return true
    }

    /// Waits for a connection that can be cut.
    private func hasConnection(_ proxy: FaultProxy) async -> Bool {
        (try? await proxy.observed.wait(within: Self.victimLimit) { $0.openCount > 0 }) != nil
    }
}
