import Testing

@testable import Faults

@Suite struct FaultPlanTests {
    private let amount = FaultPlan.Amount(ticks: 1_000_000, kills: 500, pieces: 50, brokers: 3, hours: 6)

    @Test("A seed plans the same faults again, another one others")
    func seeds() {
        #expect(FaultPlan(seed: 7, amount).events == FaultPlan(seed: 7, amount).events)
        #expect(FaultPlan(seed: 7, amount).events != FaultPlan(seed: 8, amount).events)
    }

    @Test(
        "A plan has exactly the kills and the pieces that were asked for, over all services", arguments: [1, 99, 500])
    func amounts(kills: Int) {
        let plan = FaultPlan(seed: 3, .init(ticks: 1_000, kills: kills, pieces: 50, brokers: 3, hours: 6))
        #expect(plan.killCount == kills)
        #expect((plan.events[.database]?.count ?? 0) + (plan.events[.broker]?.count ?? 0) == 50)
        #expect(plan.events[.loader]?.allSatisfy(\.fault.isKill) ?? true)
    }

    @Test("One in five faults of the broker is a full disk, even in a short plan, with brokers there and away")
    func fullDisks() {
        let long = FaultPlan(seed: 7, amount).events[.broker, default: []].map(\.fault).filter(\.isFullDisk)
        #expect(long.count == 6)
        let brokers = long.compactMap { if case .fillDisk(let brokers, _) = $0 { brokers } else { nil } }
        #expect(Fault.BrokersMeanwhile.allCases.allSatisfy(brokers.contains))
        let short = FaultPlan(seed: 7, .init(ticks: 1_000, kills: 0, pieces: 4, brokers: 3, hours: 6))
        #expect(short.events[.broker, default: []].count { $0.fault.isFullDisk } == 1)
    }

    @Test("Some loads are told no hour, and most are")
    func loads() {
        let hours = FaultPlan(seed: 7, amount).events[.loader, default: []].map { event -> Int? in
            if case .killLoad(let hour, _, _) = event.fault { hour } else { nil }
        }
        #expect(hours.contains(nil) && hours.count { $0 == nil } < hours.count / 2)
    }

    @Test("The faults of a lane come in the order of their places, all while ticks are sent")
    func order() {
        for events in FaultPlan(seed: 5, amount).events.values {
            #expect(events.map(\.position) == events.map(\.position).sorted())
            #expect(events.allSatisfy { (0..<1_000_000).contains($0.position) })
        }
    }
}
