import Runtime

/// How often and how patiently each kind of failure is retried.
struct RetryLimits: Sendable {
    struct Limit: Sendable {
        let tries: Int
        let base: Duration
        let longest: Duration
    }

    var transient: Limit
    var rateLimited: Limit
    var quotaExceeded: Limit
    /// For a staging table that is new, whichever run created it: Google answers 404 for it for seconds to minutes.
    var newTable: Limit
    /// Publish jobs that lost against another statement, or against an outage.
    var job: Limit
    /// Waits between two looks at a running job.
    var poll: Limit
    /// Looks at a query that is not complete. The server holds each for up to 20 s.
    var query: Limit
    /// Looks at the staging table while queries do not see all rows that BigQuery has confirmed.
    var staged: Limit

    /// Some minutes of an outage, then the run fails loudly; the next one goes on.
    static let patient = RetryLimits(
        transient: Limit(tries: 15, base: .milliseconds(250), longest: .seconds(30)),
        rateLimited: Limit(tries: 15, base: .seconds(1), longest: .seconds(32)),
        quotaExceeded: Limit(tries: 4, base: .seconds(10), longest: .seconds(60)),
        newTable: Limit(tries: 30, base: .seconds(1), longest: .seconds(16)),
        job: Limit(tries: 8, base: .seconds(1), longest: .seconds(30)),
        poll: Limit(tries: 1_000, base: .milliseconds(200), longest: .seconds(3)),
        // Half an hour in all, and a minute: a wait is half of its bound in the mean.
        query: Limit(tries: 90, base: .milliseconds(200), longest: .seconds(3)),
        staged: Limit(tries: 12, base: .milliseconds(500), longest: .seconds(16)))

    /// For a look at how things are now.
    static let once = {
        let once = Limit(tries: 1, base: .zero, longest: .zero)
        return RetryLimits(
            transient: once, rateLimited: once, quotaExceeded: once, newTable: once, job: once, poll: once,
            query: once, staged: once)
    }()
}

/// Decides what to do after each failure of one request. It counts, and looks at no clock.
struct RetryPolicy {
    enum Step: Equatable {
        /// Send the same again, with the same ids, after this time.
        case wait(Duration)
        /// Send the same again with a new access token.
        case renewToken
        /// Send it in two halves.
        case split
        case giveUp
    }

    /// A 400 to an insertAll larger than Google recommends (500 rows; 1 MiB) may mean its size.
    static let recommendedRows = 500
    static let recommendedBytes = 1 << 20

    private let limits: RetryLimits
    private let isTableNew: Bool
    private var failures: [BigQueryError.Kind: Int] = [:]
    private var backoffs: [BigQueryError.Kind: Backoff] = [:]

    init(_ limits: RetryLimits, isTableNew: Bool = false) {
        self.limits = limits
        self.isTableNew = isTableNew
    }

    /// - Parameters:
    ///   - rows: how many rows the failed insertAll carried; 0 for any other request.
    ///   - bytes: the size of its body.
    mutating func step(
        after error: BigQueryError, rows: Int = 0, bytes: Int = 0,
        using generator: inout some RandomNumberGenerator
    ) -> Step {
        switch error.kind {
        case .transient: wait(error, limits.transient, &generator)
        case .rateLimited: wait(error, limits.rateLimited, &generator)
        case .quotaExceeded: wait(error, limits.quotaExceeded, &generator)
        case .notFound: isTableNew ? wait(error, limits.newTable, &generator) : .giveUp
        case .unauthorized: isFirst(.unauthorized) ? .renewToken : .giveUp
        case .tooLarge: rows > 1 ? .split : .giveUp
        case .badRequest:
            rows > 1 && (rows > Self.recommendedRows || bytes > Self.recommendedBytes) ? .split : .giveUp
        case .conflict, .permanent: .giveUp
        }
    }

    mutating func step(after error: BigQueryError, rows: Int = 0, bytes: Int = 0) -> Step {
        var generator = SystemRandomNumberGenerator()
        return step(after: error, rows: rows, bytes: bytes, using: &generator)
    }

    private mutating func wait(
        _ error: BigQueryError, _ limit: RetryLimits.Limit, _ generator: inout some RandomNumberGenerator
    ) -> Step {
        failures[error.kind, default: 0] += 1
        guard failures[error.kind, default: 0] < limit.tries else { return .giveUp }
        let wait = backoffs[error.kind, default: Backoff(base: limit.base, limit: limit.longest)]
            .next(using: &generator)
        // The server's wish wins, up to a bound: a bad header must not stop the loader for a day.
        return .wait(max(wait, min(error.retryAfter ?? .zero, limit.longest * 4)))
    }

    private mutating func isFirst(_ kind: BigQueryError.Kind) -> Bool {
        failures[kind, default: 0] += 1
        return failures[kind] == 1
    }
}
