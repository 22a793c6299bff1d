import TestSupport
import Testing

@testable import Faults

@Suite struct FaultPlanTests {
    private let amount = FaultPlan.Amount(ticks: 1_000_000, kills: 500, pieces: 50, brokers: 3, hours: 6)

    @Test("A seed plans the same faults again, another one others")
    func seeds() {
        #expect(FaultPlan(seed: 7, amount) == FaultPlan(seed: 7, amount))
        #expect(FaultPlan(seed: 7, amount) != FaultPlan(seed: 8, amount))
    }

    @Test(
        "A plan has exactly the kills and the pieces that were asked for, over all services", arguments: [1, 99, 500])
    func amounts(kills: Int) {
        let plan = FaultPlan(seed: 3, .init(ticks: 1_000, kills: kills, pieces: 50, brokers: 3, hours: 6))
        #expect(plan.killCount == kills)
        #expect(plan.database.count + plan.broker.count == 50)
    }

    @Test("Fifteen pieces have every kind of fault of the database, the broker and the network", arguments: 1...20)
    func everyKind(seed: UInt64) {
        let plan = FaultPlan(seed: seed, .init(ticks: 100_000, kills: 44, pieces: 15, brokers: 3, hours: 6))
        #expect(Set(plan.database.map(\.fault.kind)) == Set(DatabaseFault.Kind.allCases))
        #expect(Set(plan.broker.map(\.fault.kind)) == Set(BrokerFault.Kind.ofBrokers + [.fillSpool, .fillDisk]))
        #expect(Set(plan.network.map(\.fault.kind)) == Set(NetworkFault.Kind.allCases))
        #expect(Set(plan.loader.map(\.fault.kind)) == [.kill, .killDuringRequest])
    }

    @Test("Of two consumers one stands still beyond the session timeout, and one within it", arguments: 1...20)
    func freezes(seed: UInt64) {
        let plan = FaultPlan(seed: seed, .init(ticks: 100_000, kills: 44, pieces: 12, brokers: 3, hours: 6))
        let kinds = (plan.firstConsumer + plan.secondConsumer).map(\.fault.kind)
        #expect(kinds.count { $0 == .longFreeze } == 1 && kinds.count { $0 == .shortFreeze } == 1)
    }

    @Test("A deck deals every kind before it deals one again")
    func deck() {
        var random = SplitMix64(seed: 1)
        var deck = Deck(1...5)
        for _ in 0..<20 {
            let dealt = (1...5).map { _ in deck.deal(&random) }
            #expect(dealt.sorted() == [1, 2, 3, 4, 5])
        }
    }

    @Test("One in five faults of the broker is a full disk, even in a short plan, with brokers there and away")
    func fullDisks() {
        let long = FaultPlan(seed: 7, amount).broker.map(\.fault)
        let brokers = long.compactMap { if case .fillDisk(let brokers, _) = $0 { brokers } else { nil } }
        #expect(brokers.count == 6)
        #expect(BrokerFault.BrokersMeanwhile.allCases.allSatisfy(brokers.contains))
        let short = FaultPlan(seed: 7, .init(ticks: 1_000, kills: 0, pieces: 4, brokers: 3, hours: 6))
        #expect(short.broker.count { $0.fault.kind == .fillDisk } == 1)
    }

    @Test("The spool is filled while there are ticks to fill it with, and not in a session that has too few")
    func fullSpools() {
        let fills = FaultPlan(seed: 7, amount).broker.filter { $0.fault == .fillSpool }
        #expect(fills.count == 3 && fills.allSatisfy { $0.position < 500_000 })
        let short = FaultPlan(seed: 7, .init(ticks: 1_000, kills: 0, pieces: 50, brokers: 3, hours: 6))
        #expect(!short.broker.contains { $0.fault == .fillSpool })
    }

    @Test("Some loads are told no hour, and most are")
    func loads() {
        let hours = FaultPlan(seed: 7, amount).loader.map(\.fault.hour)
        #expect(hours.contains(nil) && hours.count { $0 == nil } < hours.count / 2)
    }

    @Test("The faults of a lane come in the order of their places, all while ticks are sent")
    func order() {
        let plan = FaultPlan(seed: 5, amount)
        for positions in [
            plan.producer.map(\.position), plan.firstConsumer.map(\.position), plan.secondConsumer.map(\.position),
            plan.loader.map(\.position), plan.database.map(\.position), plan.broker.map(\.position),
            plan.network.map(\.position),
        ] {
            #expect(!positions.isEmpty && positions == positions.sorted())
            #expect(positions.allSatisfy { (0..<1_000_000).contains($0) })
        }
    }
}
