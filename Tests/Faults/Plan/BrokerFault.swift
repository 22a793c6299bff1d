import TestSupport

/// What happens to Kafka, or to the disk on which frames wait for it.
enum BrokerFault: LaneFault {
    /// Nil is all of them.
    case down(Int?, milliseconds: Int)
    case freeze(milliseconds: Int)
    case moveLeaders(seed: UInt64)
    case slow(milliseconds: Int)
    /// All brokers are away until the producer's spool is full.
    case fillSpool
    /// The disk of the producer's spool has no byte left until the producer says so, and for so long afterwards.
    case fillDisk(BrokersMeanwhile, milliseconds: Int)

    enum BrokersMeanwhile: CaseIterable {
        case there
        /// So that the spool has to grow. They are back before there is room again, or after that.
        case awayUntilFull, awayUntilFreed
    }

    enum Kind: String {
        case down = "one away"
        case allDown = "all away"
        case freeze = "SIGSTOP"
        case moveLeaders = "leaders moved"
        case slow
        case fillSpool = "full spool"
        case fillDisk = "full disk"

        /// Those of the brokers alone, for a deck.
        static let ofBrokers = [Kind.down, .allDown, .freeze, .moveLeaders, .slow]
    }

    var kind: Kind {
        switch self {
        case .down(let broker, _): broker == nil ? .allDown : .down
        case .freeze: .freeze
        case .moveLeaders: .moveLeaders
        case .slow: .slow
        case .fillSpool: .fillSpool
        case .fillDisk: .fillDisk
        }
    }

    /// - Parameter brokers: how many there are.
    static func random(_ kind: Kind, brokers: Int, _ random: inout SplitMix64) -> BrokerFault {
        switch kind {
        case .down: .down(1 + random.below(brokers), milliseconds: 200 + random.below(4_000))
        case .allDown: .down(nil, milliseconds: 200 + random.below(4_000))
        case .freeze: .freeze(milliseconds: 200 + random.below(4_000))
        case .moveLeaders: .moveLeaders(seed: random.next())
        case .slow: .slow(milliseconds: 2_000)
        case .fillSpool: .fillSpool
        case .fillDisk: .fillDisk(.there, milliseconds: random.below(4_000))
        }
    }
}
