import Glibc
import TestSupport

/// Lets the faults of a plan happen.
struct FaultPerformer: Sendable {
    let world: FaultWorld
    let loads: KilledLoads
    let disks: FullDisks
    let slowLinks: SlowLinks

    /// A successor that does not say that it works within this time may be killed all the same.
    private static let workLimit = Duration.seconds(20)

    /// Performs all faults of a lane, one after the other, each when the session is there.
    func run(_ lane: FaultPlan.Lane, _ events: [FaultPlan.Event]) async throws {
        for event in events {
            try await world.exchange.observed.wait(within: .seconds(7_200)) {
                $0.playback.position >= event.position
            }
            try await perform(event.fault, lane)
        }
    }

    private func perform(_ fault: Fault, _ lane: FaultPlan.Lane) async throws {
        switch lane {
        case .producer: try await perform(fault, on: world.producer, isWorking: "receiving")
        case .firstConsumer: try await perform(fault, on: world.consumers[0], isWorking: "assigned")
        case .secondConsumer: try await perform(fault, on: world.consumers[1], isWorking: "assigned")
        case .loader: try await loads.perform(fault)
        case .database: try await performOnDatabase(fault)
        case .broker: try await performOnBroker(fault)
        case .network: try await performOnNetwork(fault)
        }
    }

    private func perform(_ fault: Fault, on keeper: ServiceKeeper, isWorking word: String) async throws {
        switch fault {
        case .kill(let workMilliseconds):
            try await keeper.kill()
            guard let workMilliseconds else { return }
            await keeper.waitForWord(word, within: Self.workLimit)
            try await Task.sleep(for: .milliseconds(workMilliseconds))
        case .terminate: try await keeper.terminate()
        case .freeze(let milliseconds):
            keeper.send(SIGSTOP)
            try await Task.sleep(for: .milliseconds(milliseconds))
            keeper.send(SIGCONT)
        default: break
        }
    }

    private func performOnDatabase(_ fault: Fault) async throws {
        let proxy = world.databaseProxy
        switch fault {
        case .crashDatabase(let milliseconds):
            try await world.server.kill()
            try await Task.sleep(for: .milliseconds(milliseconds))
            try await world.server.restart()
        case .restartDatabase:
            try await world.server.shutDown()
            try await world.server.restart()
        case .cutDatabase(let ending): try await proxy.cut(ending)
        case .loseCommit(let isAnswer):
            let trapped = proxy.observed.value.trappedCount
            try await proxy.set(.init("COMMIT", isAnswer ? .toClient : .toTarget, .beforeForwarding))
            // When nobody commits there is nothing to lose.
            _ = try? await proxy.observed.wait(within: .seconds(10)) { $0.trappedCount > trapped }
            try await proxy.set(nil)
        case .stallDatabase(let milliseconds):
            try await proxy.stall()
            try await Task.sleep(for: .milliseconds(milliseconds))
            try await proxy.recover(.goingOn)
        case .slowDatabase: try await slowLinks.perform(fault)
        default: break
        }
    }

    private func performOnBroker(_ fault: Fault) async throws {
        let broker = world.broker
        switch fault {
        case .brokerDown(let number, let milliseconds):
            broker.perform(.down(broker: number))
            try await Task.sleep(for: .milliseconds(milliseconds))
            broker.perform(.up(broker: number))
        case .freezeCluster(let milliseconds):
            broker.mock?.send(SIGSTOP)
            try await Task.sleep(for: .milliseconds(milliseconds))
            broker.mock?.send(SIGCONT)
        case .moveLeaders(let seed):
            var random = SplitMix64(seed: seed)
            for partition in 0..<broker.partitions where random.oneIn(3) {
                broker.perform(.lead(partition: partition, broker: 1 + random.below(FaultRound.brokerCount)))
            }
        case .slowCluster(let milliseconds):
            broker.perform(.delay(milliseconds: 100))
            try await Task.sleep(for: .milliseconds(milliseconds))
            broker.perform(.delay(milliseconds: 0))
        case .fillSpool:
            broker.perform(.down(broker: nil))
            await world.producer.waitForWord("the spool is full", within: .seconds(30))
            broker.perform(.up(broker: nil))
        case .fillDisk: try await disks.perform(fault)
        default: break
        }
    }

    private func performOnNetwork(_ fault: Fault) async throws {
        let proxy = world.exchangeProxy
        switch fault {
        case .cutExchange(let ending): try await proxy.cut(ending)
        case .stallExchange(let milliseconds, let isForgotten):
            try await proxy.stall()
            try await Task.sleep(for: .milliseconds(milliseconds))
            try await proxy.recover(isForgotten ? .forgetting : .goingOn)
        case .refuseExchange(let milliseconds):
            try await proxy.setRefusing(true)
            try await proxy.cut(.reset)
            try await Task.sleep(for: .milliseconds(milliseconds))
            try await proxy.setRefusing(false)
        case .slowExchange: try await slowLinks.perform(fault)
        default: break
        }
    }
}
