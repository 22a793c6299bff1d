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

/// A point in the life of one request, at which a test can step in.
package struct RequestMoment: Sendable {
    package enum Phase: CaseIterable, Sendable {
        /// It has arrived whole, and nothing was done.
        case arrived
        /// All was done, and nothing was answered.
        case done
    }

    /// Which of the requests since the test began to watch; the first is 0.
    package let index: Int
    package let endpoint: Endpoint
    package let phase: Phase
}

/// Who watches the requests, and how many there were since.
final class RequestWatch: Sendable {
    typealias Watcher = @Sendable (RequestMoment) async -> Void

    private let state = Mutex<(watcher: Watcher?, count: Int)>((nil, 0))

    func begin(_ watcher: Watcher?) { state.withLock { $0 = (watcher, 0) } }

    /// Tells both moments of a request to whoever watches when it arrives.
    func around(_ endpoint: Endpoint, _ work: () async -> HTTPResponse) async -> HTTPResponse {
        let (watcher, index) = state.withLock { state in
            state.count += 1
            return (state.watcher, state.count - 1)
        }
        await watcher?(RequestMoment(index: index, endpoint: endpoint, phase: .arrived))
        let response = await work()
        await watcher?(RequestMoment(index: index, endpoint: endpoint, phase: .done))
        return response
    }
}

/// Faults that wait for their request: the first one injected is the first one taken.
final class FaultQueue: Sendable {
    private let waiting = Mutex<[Endpoint: [Fault]]>([:])

    func add(_ fault: Fault, on endpoint: Endpoint, times: Int) {
        waiting.withLock { $0[endpoint, default: []] += Array(repeating: fault, count: times) }
    }

    func clear() -> Int {
        waiting.withLock { waiting in
            defer { waiting = [:] }
            return waiting.values.reduce(0) { $0 + $1.count }
        }
    }

    func take(_ endpoint: Endpoint) -> Fault? {
        waiting.withLock { waiting in
            guard waiting[endpoint]?.isEmpty == false else { return nil }
            return waiting[endpoint]?.removeFirst()
        }
    }
}
