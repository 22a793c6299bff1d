import Testing

@testable import Loader

@Suite("What is retried, and how")
struct RetryPolicyTests {
    private static let limits = RetryLimits(
        transient: .init(tries: 3, base: .milliseconds(100), longest: .seconds(1)),
        rateLimited: .init(tries: 3, base: .seconds(1), longest: .seconds(32)),
        quotaExceeded: .init(tries: 2, base: .seconds(10), longest: .seconds(60)),
        newTable: .init(tries: 3, base: .seconds(1), longest: .seconds(16)),
        job: .init(tries: 3, base: .seconds(1), longest: .seconds(2)),
        poll: .init(tries: 3, base: .seconds(1), longest: .seconds(2)),
        query: .init(tries: 3, base: .seconds(1), longest: .seconds(2)),
        staged: .init(tries: 3, base: .seconds(1), longest: .seconds(2)))

    /// The table of the facts, a line each.
    @Test(
        "Each answer is of its kind",
        arguments: [
            (nil, nil, .transient), (500, nil, .transient), (502, nil, .transient), (503, "backendError", .transient),
            (504, nil, .transient), (408, nil, .transient), (400, "internalError", .transient),
            (400, "jobInternalError", .transient), (200, "timeout", .transient), (200, "stopped", .transient),
            (429, nil, .rateLimited), (403, "rateLimitExceeded", .rateLimited),
            (200, "rateLimitExceeded", .rateLimited), (403, "quotaExceeded", .quotaExceeded),
            (413, nil, .tooLarge), (400, "badRequest", .badRequest), (400, "invalid", .badRequest),
            (403, "accessDenied", .permanent), (403, "billingNotEnabled", .permanent),
            (401, "authError", .unauthorized),
            (404, "notFound", .notFound), (409, "duplicate", .conflict), (501, nil, .permanent),
            (200, "somethingNew", .permanent),
        ] as [(Int?, String?, BigQueryError.Kind)])
    func kinds(status: Int?, reason: String?, kind: BigQueryError.Kind) {
        #expect(BigQueryError(status: status, reason: reason, message: "").kind == kind)
    }

    private func steps(_ error: BigQueryError, _ count: Int, isTableNew: Bool = false) -> [RetryPolicy.Step] {
        var policy = RetryPolicy(Self.limits, isTableNew: isTableNew)
        return (0..<count).map { _ in policy.step(after: error) }
    }

    private func isWait(_ step: RetryPolicy.Step, upTo limit: Duration) -> Bool {
        if case .wait(let duration) = step { duration >= .zero && duration <= limit } else { false }
    }

    @Test("An outage is waited out with growing waits, a bounded number of times")
    func outage() {
        let steps = steps(BigQueryError(status: 503, message: ""), 3)
        #expect(isWait(steps[0], upTo: .milliseconds(100)))
        #expect(isWait(steps[1], upTo: .milliseconds(200)))
        #expect(steps[2] == .giveUp)
    }

    @Test("Retry-After is honoured, and a senseless one is bounded")
    func retryAfter() {
        #expect(
            steps(BigQueryError(status: 429, message: "", retryAfter: .seconds(7)), 1) == [.wait(.seconds(7))])
        #expect(
            steps(BigQueryError(status: 429, message: "", retryAfter: .seconds(86_400)), 1) == [.wait(.seconds(128))])
    }

    @Test("A used-up quota is tried a few times, then fails")
    func quota() {
        let steps = steps(BigQueryError(status: 403, reason: "quotaExceeded", message: ""), 2)
        #expect(isWait(steps[0], upTo: .seconds(10)))
        #expect(steps[1] == .giveUp)
    }

    @Test("A refused token is renewed once")
    func token() {
        #expect(steps(BigQueryError(status: 401, message: ""), 2) == [.renewToken, .giveUp])
    }

    @Test("A missing table is waited for only when it was created moments ago")
    func missingTable() {
        let error = BigQueryError(status: 404, reason: "notFound", message: "")
        #expect(steps(error, 1) == [.giveUp])
        #expect(isWait(steps(error, 1, isTableNew: true)[0], upTo: .seconds(1)))
        #expect(steps(error, 3, isTableNew: true)[2] == .giveUp)
    }

    @Test("What cannot pass by itself is not tried again")
    func permanent() {
        #expect(steps(BigQueryError(status: 403, reason: "accessDenied", message: ""), 1) == [.giveUp])
        #expect(steps(BigQueryError(status: 409, message: ""), 1) == [.giveUp])
    }

    @Test("A request that is too large is halved; a lone row cannot be")
    func tooLarge() {
        var policy = RetryPolicy(Self.limits)
        let tooLarge = BigQueryError(status: 413, message: "")
        #expect(policy.step(after: tooLarge, rows: 2, bytes: 10) == .split)
        #expect(policy.step(after: tooLarge, rows: 1, bytes: 10) == .giveUp)
    }

    @Test("A 400 may mean the size of a large batch, and means a mistake otherwise")
    func badRequest() {
        var policy = RetryPolicy(Self.limits)
        let bad = BigQueryError(status: 400, reason: "invalid", message: "")
        #expect(policy.step(after: bad, rows: 501, bytes: 10) == .split)
        #expect(policy.step(after: bad, rows: 2, bytes: 2 << 20) == .split)
        #expect(policy.step(after: bad, rows: 500, bytes: 1 << 20) == .giveUp)
        #expect(policy.step(after: bad) == .giveUp)
    }

    @Test("Kinds of failures are counted apart")
    func apart() {
        var policy = RetryPolicy(Self.limits)
        for _ in 0..<2 {
            #expect(isWait(policy.step(after: BigQueryError(status: 503, message: "")), upTo: .seconds(1)))
            #expect(isWait(policy.step(after: BigQueryError(status: 429, message: "")), upTo: .seconds(32)))
        }
    }

    @Test("A job that lost against another statement is worth another one; a refused one is not")
    func jobs() {
        #expect(BigQueryError(status: 200, reason: "invalidQuery", message: "").isWorthAnotherJob)
        #expect(BigQueryError(status: 200, reason: "jobInternalError", message: "").isWorthAnotherJob)
        #expect(!BigQueryError(status: 200, reason: "accessDenied", message: "").isWorthAnotherJob)
        #expect(!BigQueryError(status: 404, reason: "notFound", message: "").isWorthAnotherJob)
    }
}
