/// What BigQuery, its token endpoint, or the way to them answered instead of a result.
struct BigQueryError: Error, Equatable, Sendable {
    /// The HTTP status; nil when there was no whole answer: refused, reset, timed out, cut off.
    /// Rows or jobs of such a request may have landed.
    var status: Int?
    /// Google's word for it: `rateLimitExceeded`, `invalid`, `notFound` …
    var reason: String?
    var message: String
    /// What the answer's Retry-After asked for.
    var retryAfter: Duration?

    init(status: Int?, reason: String? = nil, message: String, retryAfter: Duration? = nil) {
        self.status = status
        self.reason = reason
        self.message = message
        self.retryAfter = retryAfter
    }

    /// What can be done about a failure.
    enum Kind: Equatable, Sendable {
        /// Passes by itself; the same request again.
        case transient
        /// Too fast; the same request again, after longer waits.
        case rateLimited
        /// A quota is used up; it may come back, but not soon.
        case quotaExceeded
        /// The request must be smaller.
        case tooLarge
        /// The token is not accepted.
        case unauthorized
        /// There is no such table, dataset or job; or it was created a moment ago.
        case notFound
        /// It exists already.
        case conflict
        /// Bad request. For a large insertAll this can also mean its size: Google answers a body over
        /// 10 MB and a batch over 50,000 rows with 400, in reasons that other mistakes share.
        case badRequest
        /// Nobody but an operator can help.
        case permanent
    }

    var kind: Kind {
        // The reason first: Google tells a rate limit in a 403, and an outage of a job in a 400.
        switch reason {
        case "rateLimitExceeded", "jobRateLimitExceeded", "userRateLimitExceeded": return .rateLimited
        case "quotaExceeded": return .quotaExceeded
        case "backendError", "internalError", "jobBackendError", "jobInternalError", "timeout", "stopped":
            return .transient
        default: break
        }
        switch status {
        case nil, 408, 500, 502, 503, 504: return .transient
        case 400: return .badRequest
        case 401: return .unauthorized
        case 404: return .notFound
        case 409: return .conflict
        case 413: return .tooLarge
        case 429: return .rateLimited
        default: return .permanent
        }
    }

    /// True when the same request may succeed later without anybody changing anything.
    var mayPass: Bool {
        switch kind {
        case .transient, .rateLimited, .quotaExceeded: true
        default: false
        }
    }

    /// True when another hour's rows, or another hour's job, need not meet it: the request was refused for what was
    /// in it, or a job ran and failed.
    var concernsOneHour: Bool {
        switch kind {
        case .badRequest, .tooLarge: true
        // What went wrong within an answer that is a success.
        case .permanent: status == 200 && !Self.reasonsOfEveryJob.contains(reason)
        default: false
        }
    }

    private static let reasonsOfEveryJob: Set<String?> = ["accessDenied", "billingNotEnabled", "notFound"]

    /// True when a query job that ended so may succeed under a new id.
    ///
    /// `invalidQuery` is deliberately among them: "Could not serialize access … due to concurrent
    /// update" carries that reason and no other mark. Our statements are fixed, so a typing error is
    /// not what it means here; the tries are bounded all the same. A statement that is refused with 400 is no job.
    var isWorthAnotherJob: Bool {
        mayPass || (status == 200 && (reason == "invalidQuery" || reason == "tableUnavailable"))
    }
}

extension BigQueryError: CustomStringConvertible {
    var description: String {
        var text = "BigQuery"
        if let status { text += " answered \(status)" } else { text += " did not answer" }
        if let reason { text += " (\(reason))" }
        return "\(text): \(message)\(hint.map { ". \($0)" } ?? "")"
    }

    private var hint: String? {
        switch (kind, reason) {
        case (_, "billingNotEnabled"): "Enable billing for the project"
        case (_, "accessDenied"): "The account needs the roles BigQuery Data Editor and BigQuery Job User"
        case (.quotaExceeded, _): "A quota of the project is used up; run again when it is renewed"
        case (.unauthorized, _): "The credentials are not accepted"
        case (.notFound, _): "Is BIGQUERY_CREATE off, or BIGQUERY_LOCATION another than the dataset's?"
        default: nil
        }
    }
}
