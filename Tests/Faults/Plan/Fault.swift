import TestSupport

/// Something that goes wrong during a round. Times are milliseconds.
enum Fault: Equatable, Sendable {
    /// SIGKILL; the successor starts at once, and is safe until it has worked for so long. With nil it may be
    /// killed before it works.
    case kill(thenWorkMilliseconds: Int?)
    /// SIGTERM, and a successor: the service must be gone in time, whatever else is away.
    case terminate
    /// SIGSTOP, then SIGCONT.
    case freeze(milliseconds: Int)
    /// A loader that loads one of the session's hours, or with nil all that it finds to do, over faults of the
    /// warehouse, and is killed.
    case killLoad(hour: Int?, afterMilliseconds: Int, warehouse: [WarehouseFault])

    /// kill -9 for all of PostgreSQL, and its crash recovery.
    case crashDatabase(awayMilliseconds: Int)
    /// An orderly restart.
    case restartDatabase
    case cutDatabase(FaultProxy.Ending)
    /// A COMMIT that does not arrive, or whose answer does not.
    case loseCommit(isAnswer: Bool)
    /// Packets are dropped, then TCP sends them again.
    case stallDatabase(milliseconds: Int)
    case slowDatabase(milliseconds: Int)

    /// Nil is all of them.
    case brokerDown(Int?, milliseconds: Int)
    case freezeCluster(milliseconds: Int)
    case moveLeaders(seed: UInt64)
    case slowCluster(milliseconds: Int)
    /// All brokers are away until the producer's spool is full.
    case fillSpool
    /// The disk of the producer's spool has no byte left until the producer says so, and for so long afterwards.
    case fillDisk(BrokersMeanwhile, milliseconds: Int)

    case cutExchange(FaultProxy.Ending)
    /// Packets are dropped; afterwards the old connections are dead, or go on.
    case stallExchange(milliseconds: Int, isForgotten: Bool)
    case refuseExchange(milliseconds: Int)
    case slowExchange(milliseconds: Int)

    enum BrokersMeanwhile: CaseIterable {
        case there
        /// So that the spool has to grow. They are back before there is room again, or after that.
        case awayUntilFull, awayUntilFreed
    }

    var isKill: Bool {
        switch self {
        case .kill, .killLoad: true
        default: false
        }
    }

    var isFullDisk: Bool { if case .fillDisk = self { true } else { false } }
}

/// A way in which the warehouse fails a request.
enum WarehouseFault: CaseIterable, Sendable {
    case unavailable, unavailableAfterRows, resetAfterRows, rowsStopped, tooManyRequests, jobFails, tokensRevoked

    func inject(into fake: FakeBigQuery) {
        switch self {
        case .unavailable: fake.inject(.unavailable, on: .insertAll)
        case .unavailableAfterRows: fake.inject(.unavailableAfterDone, on: .insertAll)
        case .resetAfterRows: fake.inject(.doneButReset, on: .insertAll)
        case .rowsStopped: fake.inject(.rows([0], reason: "stopped"), on: .insertAll)
        case .tooManyRequests: fake.inject(.tooManyRequests, on: .createJob)
        case .jobFails:
            fake.inject(.jobFails(GoogleError(503, "backendError", "An internal error occurred")), on: .createJob)
        case .tokensRevoked: fake.revokeTokens()
        }
    }
}
