import TestSupport

/// What goes wrong in a round, and when. All of it follows from the seed.
struct FaultPlan: Equatable, Sendable {
    /// Who is hit. The faults of a lane come one after the other, those of different lanes overlap.
    enum Lane: String, CaseIterable, Sendable {
        case producer
        case firstConsumer = "consumer-1"
        case secondConsumer = "consumer-2"
        case loader, database, broker, network
    }

    struct Event<Fault: LaneFault>: Equatable, Sendable {
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

    // Each in the order of the positions.
    private(set) var producer: [Event<ServiceFault>] = []
    private(set) var firstConsumer: [Event<ServiceFault>] = []
    private(set) var secondConsumer: [Event<ServiceFault>] = []
    private(set) var loader: [Event<LoadFault>] = []
    private(set) var database: [Event<DatabaseFault>] = []
    private(set) var broker: [Event<BrokerFault>] = []
    private(set) var network: [Event<NetworkFault>] = []

    init(seed: UInt64, _ amount: Amount) {
        var random = SplitMix64(seed: seed)
        addKills(amount, &random)
        // As many kinds as each of the two has, where there are 15.
        let databases = amount.pieces * 7 / 15
        addDatabase(databases, amount, &random)
        addBroker(amount.pieces - databases, amount, &random)
        var kinds = Deck(NetworkFault.Kind.allCases)
        for _ in 0..<amount.pieces / 2 { network.append(amount, &random) { .random(kinds.deal(&$0), &$0) } }
        addSignals(amount, &random)
        sort()
    }

    private mutating func addKills(_ amount: Amount, _ random: inout SplitMix64) {
        // A consumer's successor takes ten seconds to join the group, so there are fewer kills of them.
        let (producers, consumers) = (amount.kills * 9 / 20, amount.kills * 2 / 25)
        for _ in 0..<producers { producer.append(amount, &random) { .randomKill(&$0) } }
        for _ in 0..<consumers { firstConsumer.append(amount, &random) { .randomKill(&$0) } }
        for _ in 0..<consumers { secondConsumer.append(amount, &random) { .randomKill(&$0) } }
        for number in 0..<amount.kills - producers - 2 * consumers {
            loader.append(amount, &random) {
                .random(hours: amount.hours, isDuringRequest: number.isMultiple(of: 2), &$0)
            }
        }
    }

    private mutating func addDatabase(_ count: Int, _ amount: Amount, _ random: inout SplitMix64) {
        var kinds = Deck(DatabaseFault.Kind.allCases)
        for _ in 0..<count { database.append(amount, &random) { .random(kinds.deal(&$0), &$0) } }
    }

    private mutating func addBroker(_ count: Int, _ amount: Amount, _ random: inout SplitMix64) {
        let fills = amount.ticks < Self.fewestTicksForFullSpool ? 0 : (count + 9) / 10
        // Long enough before the end that there are ticks to fill it with.
        for _ in 0..<fills { broker.append(amount, until: amount.ticks / 2, &random) { _ in .fillSpool } }
        let disks = min((count + 4) / 5, count - fills)
        var meanwhile = Deck(BrokerFault.BrokersMeanwhile.allCases)
        for _ in 0..<disks {
            broker.append(amount, &random) { .fillDisk(meanwhile.deal(&$0), milliseconds: $0.below(4_000)) }
        }
        var kinds = Deck(BrokerFault.Kind.ofBrokers)
        for _ in 0..<count - fills - disks {
            broker.append(amount, &random) { .random(kinds.deal(&$0), brokers: amount.brokers, &$0) }
        }
    }

    /// Stops of both kinds, in turn.
    private mutating func addSignals(_ amount: Amount, _ random: inout SplitMix64) {
        var isLong = random.oneIn(2)
        for lane in [\Self.firstConsumer, \.secondConsumer, \.producer] {
            for _ in 0..<amount.pieces / 10 {
                self[keyPath: lane].append(amount, &random) { .randomFreeze(isLong: isLong, &$0) }
                isLong.toggle()
            }
            for _ in 0..<(amount.pieces + 9) / 10 { self[keyPath: lane].append(amount, &random) { _ in .terminate } }
        }
    }

    private mutating func sort() {
        producer.sort { $0.position < $1.position }
        firstConsumer.sort { $0.position < $1.position }
        secondConsumer.sort { $0.position < $1.position }
        loader.sort { $0.position < $1.position }
        database.sort { $0.position < $1.position }
        broker.sort { $0.position < $1.position }
        network.sort { $0.position < $1.position }
    }

    /// A spool takes some 5,000 frames, and half of the ticks come after the last moment at which it is to be filled.
    static let fewestTicksForFullSpool = 20_000
}

extension FaultPlan {
    /// How many faults of each kind there are.
    var counts: [FaultKind: Int] {
        var counts: [FaultKind: Int] = [:]
        func add(_ lane: Lane, _ events: [Event<some LaneFault>]) {
            for event in events { counts[FaultKind(lane, event.fault), default: 0] += 1 }
        }
        add(.producer, producer)
        add(.firstConsumer, firstConsumer)
        add(.secondConsumer, secondConsumer)
        add(.loader, loader)
        add(.database, database)
        add(.broker, broker)
        add(.network, network)
        return counts
    }

    var killCount: Int { counts.reduce(0) { $0 + ($1.key.isKill ? $1.value : 0) } }
}

extension Array {
    /// Adds an event at a random place, but not at the very end of the ticks, so that most faults meet work.
    fileprivate mutating func append<Fault>(
        _ amount: FaultPlan.Amount, until end: Int? = nil, _ random: inout SplitMix64,
        _ fault: (inout SplitMix64) -> Fault
    ) where Element == FaultPlan.Event<Fault> {
        let position = random.below(Swift.min(end ?? .max, amount.ticks * 95 / 100))
        append(Element(position: position, fault: fault(&random)))
    }
}
