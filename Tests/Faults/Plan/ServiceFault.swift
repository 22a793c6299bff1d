import TestSupport

/// What happens to a service that is kept running.
enum ServiceFault: LaneFault {
    /// SIGKILL; the successor starts at once, and is safe until it has worked for so long. With nil it may be
    /// killed before it works.
    case kill(thenWorkMilliseconds: Int?)
    /// SIGTERM, and a successor: the service must be gone in time, whatever else is away.
    case terminate
    /// SIGSTOP, then SIGCONT.
    case freeze(milliseconds: Int)

    enum Kind: String {
        case kill
        case terminate = "SIGTERM"
        case shortFreeze = "SIGSTOP within the session timeout"
        case longFreeze = "SIGSTOP beyond it"
    }

    var kind: Kind {
        switch self {
        case .kill: .kill
        case .terminate: .terminate
        case .freeze(let milliseconds) where milliseconds > FaultWorld.sessionTimeoutMilliseconds: .longFreeze
        case .freeze: .shortFreeze
        }
    }

    static func randomKill(_ random: inout SplitMix64) -> ServiceFault {
        .kill(thenWorkMilliseconds: random.oneIn(4) ? nil : random.below(2_000))
    }

    /// Clearly below the session timeout of the consumers' group, or clearly above it.
    static func randomFreeze(isLong: Bool, _ random: inout SplitMix64) -> ServiceFault {
        let timeout = FaultWorld.sessionTimeoutMilliseconds
        return .freeze(milliseconds: isLong ? timeout + 500 + random.below(2_000) : 100 + random.below(timeout - 1_000))
    }
}
