import TestSupport

/// A loader that loads one of the session's hours, or with nil all that it finds to do, over faults of the
/// warehouse, and is killed.
struct LoadFault: LaneFault {
    let hour: Int?
    let afterMilliseconds: Int
    /// It is killed as soon as the warehouse has a request of it that is not answered.
    let isDuringRequest: Bool
    let warehouse: [WarehouseFault]

    enum Kind: String { case kill, killDuringRequest = "kill with an open request" }

    var kind: Kind { isDuringRequest ? .killDuringRequest : .kill }

    static func random(hours: Int, isDuringRequest: Bool, _ random: inout SplitMix64) -> LoadFault {
        let faults = (0..<random.below(3)).map { _ in
            WarehouseFault.allCases[random.below(WarehouseFault.allCases.count)]
        }
        return LoadFault(
            hour: random.oneIn(4) ? nil : random.below(hours), afterMilliseconds: 10 + random.below(800),
            isDuringRequest: isDuringRequest, warehouse: faults)
    }
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
