import TestSupport

/// What happens between the producer and the exchange.
enum NetworkFault: LaneFault {
    case cut(FaultProxy.Ending)
    /// Packets are dropped; afterwards the old connections are dead, or go on.
    case stall(milliseconds: Int, isForgotten: Bool)
    case refuse(milliseconds: Int)
    case slow(milliseconds: Int)

    enum Kind: String, CaseIterable {
        case reset, finish, refuse
        case stall = "stall that ends"
        case forget = "stall that is forgotten"
        case slow = "slow link"
    }

    var kind: Kind {
        switch self {
        case .cut(.reset), .cut(.silence): .reset
        case .cut(.finish): .finish
        case .stall(_, let isForgotten): isForgotten ? .forget : .stall
        case .refuse: .refuse
        case .slow: .slow
        }
    }

    static func random(_ kind: Kind, _ random: inout SplitMix64) -> NetworkFault {
        switch kind {
        case .reset: .cut(.reset)
        case .finish: .cut(.finish)
        case .stall: .stall(milliseconds: 500 + random.below(5_000), isForgotten: false)
        case .forget: .stall(milliseconds: 500 + random.below(5_000), isForgotten: true)
        case .refuse: .refuse(milliseconds: 200 + random.below(3_000))
        case .slow: .slow(milliseconds: 2_000)
        }
    }
}
