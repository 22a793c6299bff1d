import TestSupport

/// What goes wrong in a round, and when. All of it follows from the seed.
struct FaultPlan: Sendable {
    /// Who is hit. The faults of a lane come one after the other, those of different lanes overlap.
    enum Lane: CaseIterable, Sendable {
        case producer, firstConsumer, secondConsumer, loader, database, broker, network
    }

    struct Event: Equatable, Sendable {
        /// How many ticks the exchange has sent by then.
        let position: Int
        let fault: Fault
    }

    /// How much goes wrong.
    struct Amount: Sendable {
        let ticks: Int
        /// SIGKILLs, over the three services.
        let kills: Int
        /// Faults of the database and of the broker, with whom the full disks are.
        let pieces: Int
        let brokers: Int
        /// Hours that the session covers.
        let hours: Int
    }

    /// By lane, each in the order of their positions.
    private(set) var events: [Lane: [Event]] = [:]

    init(seed: UInt64, _ amount: Amount) {
        var random = SplitMix64(seed: seed)
        // A consumer's successor takes ten seconds to join the group, so there are fewer kills of them.
        let (producers, consumers) = (amount.kills * 9 / 20, amount.kills * 2 / 25)
        add(producers, .producer, amount, &random) { Self.kill(&$0) }
        add(consumers, .firstConsumer, amount, &random) { Self.kill(&$0) }
        add(consumers, .secondConsumer, amount, &random) { Self.kill(&$0) }
        let loads = amount.kills - producers - 2 * consumers
        add(loads, .loader, amount, &random) { Self.load(amount, &$0) }
        add(amount.pieces * 2 / 5, .database, amount, &random) { Self.database(&$0) }
        let brokers = amount.pieces - amount.pieces * 2 / 5
        let fills = (brokers + 9) / 10
        add(fills, .broker, amount, &random) { _ in .fillSpool }
        let disks = min((brokers + 4) / 5, brokers - fills)
        let firstDisk = random.below(Fault.BrokersMeanwhile.allCases.count)
        for number in 0..<disks { add(1, .broker, amount, &random) { Self.disk(firstDisk + number, &$0) } }
        add(brokers - fills - disks, .broker, amount, &random) { Self.broker(amount, &$0) }
        add(amount.pieces / 2, .network, amount, &random) { Self.network(&$0) }
        for lane in [Lane.producer, .firstConsumer, .secondConsumer] {
            add(amount.pieces / 10, lane, amount, &random) { .freeze(milliseconds: 100 + $0.below(8_000)) }
            add((amount.pieces + 9) / 10, lane, amount, &random) { _ in .terminate }
        }
        for lane in Lane.allCases { events[lane]?.sort { $0.position < $1.position } }
    }

    var killCount: Int { events.values.joined().count { $0.fault.isKill } }

    private mutating func add(
        _ count: Int, _ lane: Lane, _ amount: Amount, _ random: inout SplitMix64,
        _ fault: (inout SplitMix64) -> Fault
    ) {
        for _ in 0..<count {
            // Not at the very end, so that most faults meet work.
            let position = random.below(amount.ticks * 95 / 100)
            events[lane, default: []].append(Event(position: position, fault: fault(&random)))
        }
    }

    private static func kill(_ random: inout SplitMix64) -> Fault {
        .kill(thenWorkMilliseconds: random.oneIn(4) ? nil : random.below(2_000))
    }

    private static func load(_ amount: Amount, _ random: inout SplitMix64) -> Fault {
        let faults = (0..<random.below(3)).map { _ in
            WarehouseFault.allCases[random.below(WarehouseFault.allCases.count)]
        }
        return .killLoad(
            hour: random.oneIn(4) ? nil : random.below(amount.hours), afterMilliseconds: 10 + random.below(800),
            warehouse: faults)
    }

    private static func database(_ random: inout SplitMix64) -> Fault {
        switch random.below(10) {
        case 0..<3: .crashDatabase(awayMilliseconds: random.below(3_000))
        case 3: .restartDatabase
        case 4: .cutDatabase(random.oneIn(2) ? .reset : .finish)
        case 5: .loseCommit(isAnswer: false)
        case 6..<8: .loseCommit(isAnswer: true)
        case 8: .stallDatabase(milliseconds: 500 + random.below(5_000))
        default: .slowDatabase(milliseconds: 3_000 + random.below(4_000))
        }
    }

    private static func broker(_ amount: Amount, _ random: inout SplitMix64) -> Fault {
        switch random.below(9) {
        case 0..<3: .brokerDown(1 + random.below(amount.brokers), milliseconds: 200 + random.below(4_000))
        case 3..<5: .brokerDown(nil, milliseconds: 200 + random.below(4_000))
        case 5: .freezeCluster(milliseconds: 200 + random.below(4_000))
        case 6..<8: .moveLeaders(seed: random.next())
        default: .slowCluster(milliseconds: 2_000)
        }
    }

    /// The kinds take turns, so that a few of them are not all the same.
    private static func disk(_ number: Int, _ random: inout SplitMix64) -> Fault {
        let brokers = Fault.BrokersMeanwhile.allCases
        return .fillDisk(brokers[number % brokers.count], milliseconds: random.below(4_000))
    }

    private static func network(_ random: inout SplitMix64) -> Fault {
        switch random.below(8) {
        case 0..<3: .cutExchange(random.oneIn(2) ? .reset : .finish)
        case 3..<5: .stallExchange(milliseconds: 500 + random.below(5_000), isForgotten: random.oneIn(2))
        case 5..<7: .refuseExchange(milliseconds: 200 + random.below(3_000))
        default: .slowExchange(milliseconds: 2_000)
        }
    }
}
