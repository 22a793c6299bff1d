import Synchronization

/// What a request is about; faults are injected by it.
package enum Endpoint: String, Sendable {
    case getDataset, createDataset, getTable, createTable, insertAll
    case query, createJob, getJob, getQueryResults
    case token, metadata
}

/// A way in which the real service fails.
package enum Fault: Sendable {
    /// An error answer; nothing was done.
    case refused(GoogleError, retryAfter: Int? = nil)
    /// An error answer although everything was done.
    case doneButAnswered(GoogleError)
    /// Everything was done, and the connection is reset in the middle of the answer.
    case doneButReset
    /// The request was refused by Google's front end: 413 with a body that is not JSON.
    case tooLargeAsHTML
    /// These rows of an insertAll are refused with `reason`; the other rows are written.
    case rows([Int], reason: String)
    /// The job is accepted and then fails.
    case jobFails(GoogleError)

    package static let unavailable = Fault.refused(
        GoogleError(503, "backendError", "Visibility check was unavailable. Please retry the request"))
    package static let unavailableAfterDone = Fault.doneButAnswered(
        GoogleError(503, "backendError", "Error encountered during execution. Retrying may solve the problem."))
    package static let tooManyRequests = Fault.refused(
        GoogleError(429, "rateLimitExceeded", "Exceeded rate limits: too many api requests"), retryAfter: 1)
    package static let rateLimit = Fault.refused(
        GoogleError(403, "rateLimitExceeded", "Exceeded rate limits: too many api requests"))
    package static let quota = Fault.refused(
        GoogleError(403, "quotaExceeded", "Quota exceeded: Your project exceeded quota for streaming inserts"))
}

/// Faults that wait for their request: the first one injected is the first one taken.
final class FaultQueue: Sendable {
    private let waiting = Mutex<[Endpoint: [Fault]]>([:])

    func add(_ fault: Fault, on endpoint: Endpoint, times: Int) {
        waiting.withLock { $0[endpoint, default: []] += Array(repeating: fault, count: times) }
    }

    func take(_ endpoint: Endpoint) -> Fault? {
        waiting.withLock { waiting in
            guard waiting[endpoint]?.isEmpty == false else { return nil }
            return waiting[endpoint]?.removeFirst()
        }
    }
}
