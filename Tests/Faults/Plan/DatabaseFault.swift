import TestSupport

/// What happens to the database, or between it and the services.
enum DatabaseFault: LaneFault {
    /// kill -9 for all of PostgreSQL, and its crash recovery.
    case crash(awayMilliseconds: Int)
    /// An orderly restart.
    case restart
    case cut(FaultProxy.Ending)
    /// A COMMIT that does not arrive, or whose answer does not.
    case loseCommit(isAnswer: Bool)
    /// Packets are dropped, then TCP sends them again.
    case stall(milliseconds: Int)
    case slow(milliseconds: Int)

    enum Kind: String, CaseIterable {
        case crash, restart, cut, stall
        case loseCommit = "lost COMMIT"
        case loseAnswer = "lost answer to COMMIT"
        case slow = "slow link"
    }

    var kind: Kind {
        switch self {
        case .crash: .crash
        case .restart: .restart
        case .cut: .cut
        case .loseCommit(let isAnswer): isAnswer ? .loseAnswer : .loseCommit
        case .stall: .stall
        case .slow: .slow
        }
    }

    static func random(_ kind: Kind, _ random: inout SplitMix64) -> DatabaseFault {
        switch kind {
        case .crash: .crash(awayMilliseconds: random.below(3_000))
        case .restart: .restart
        case .cut: .cut(random.oneIn(2) ? .reset : .finish)
        case .loseCommit: .loseCommit(isAnswer: false)
        case .loseAnswer: .loseCommit(isAnswer: true)
        case .stall: .stall(milliseconds: 500 + random.below(5_000))
        case .slow: .slow(milliseconds: 3_000 + random.below(4_000))
        }
    }
}
