import TestSupport

@testable import Loader

/// A fault and the endpoint that it meets, drawn from a seed.
struct RandomFault {
    let fault: Fault
    let endpoint: Endpoint
    let times: Int

    init(using random: inout SplitMix64) {
        endpoint = Self.endpoints[random.below(Self.endpoints.count)]
        fault = Self.fault(on: endpoint, &random)
        times = 1 + random.below(3)
    }

    /// Those that a load depends on most come up most.
    private static let endpoints: [Endpoint] = [
        .insertAll, .insertAll, .insertAll, .insertAll, .createJob, .createJob, .createJob, .getJob, .getJob, .query,
        .query, .token, .getTable, .getDataset, .createTable, .createDataset,
    ]

    private static let anywhere: [Fault] = [
        .unavailable, .unavailableAfterDone, .doneButReset, .tooManyRequests, .rateLimit, .quota,
        .refused(GoogleError(401, "authError", "Request had invalid authentication credentials.")),
        .refused(GoogleError(502, "badGateway", "Bad Gateway")),
    ]

    private static func fault(on endpoint: Endpoint, _ random: inout SplitMix64) -> Fault {
        if endpoint == .insertAll, random.oneIn(2) { return insertion(&random) }
        if endpoint == .createJob, random.oneIn(2) { return job(&random) }
        return anywhere[random.below(anywhere.count)]
    }

    private static func insertion(_ random: inout SplitMix64) -> Fault {
        switch random.below(4) {
        case 0: return .tooLargeAsHTML
        // As a table answers that was created moments ago.
        case 1: return .refused(GoogleError(404, "notFound", "Not found: Table"))
        default:
            let rows = (0..<1 + random.below(30)).map { _ in random.below(60) }
            let reasons = ["backendError", "internalError", "timeout", "stopped", "rateLimitExceeded"]
            return .rows(rows, reason: reasons[random.below(reasons.count)])
        }
    }

    /// Each of these has to be tried again under a new id.
    private static func job(_ random: inout SplitMix64) -> Fault {
        let lost = "Could not serialize access to table upbit.trade_data due to concurrent update"
        return .jobFails(
            random.oneIn(2)
                ? GoogleError(400, "invalidQuery", lost)
                : GoogleError(503, "jobBackendError", "Error encountered during execution."))
    }
}
