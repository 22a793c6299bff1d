import FoundationEssentials
import Logging
import Runtime

/// BigQuery's REST interface, as far as the loader needs it. Every call retries what passes by itself.
struct BigQuery: Sendable {
    let transport: HTTPTransport
    let tokens: AccessTokens
    let target: Target
    /// Whether rows are sent compressed.
    let gzipsRows: Bool
    let limits: RetryLimits
    let metrics: LoaderMetrics
    let logger: Logger

    /// Which tables, and where.
    struct Target: Sendable {
        /// Scheme, host and path up to, and without, `/projects`.
        let endpoint: String
        let project: String
        let dataset: String
        let table: String
        let location: String
        /// `HOUR` or `DAY`.
        let partitioning: String

        var stagingTable: String { "\(table)_staging" }
        var datasetPath: String { "/projects/\(project)/datasets/\(dataset)" }
        /// As the ledger names it, and as SQL quotes it.
        var name: String { "\(project).\(dataset).\(table)" }
        var stagingName: String { "\(project).\(dataset).\(stagingTable)" }
    }

    /// Calls until there is an answer that is not worth another try.
    func call<Answer: Decodable>(
        _ method: HTTPTransport.Method, _ path: String, body: [UInt8]? = nil, as type: Answer.Type = Answer.self
    ) async throws -> Answer {
        var policy = RetryPolicy(limits)
        while true {
            do {
                return try await callOnce(method, path, body: body)
            } catch let error as BigQueryError {
                guard try await recover(policy.step(after: error), from: error) else { throw error }
            }
        }
    }

    func call<Answer: Decodable>(
        _ path: String, _ request: some Encodable, as type: Answer.Type = Answer.self
    ) async throws -> Answer {
        try await call(.post, path, body: Array(JSONEncoder().encode(request)))
    }

    /// One request, one answer.
    func callOnce<Answer: Decodable>(
        _ method: HTTPTransport.Method, _ path: String, body: [UInt8]? = nil,
        headers extra: [(String, String)] = [], as type: Answer.Type = Answer.self
    ) async throws -> Answer {
        var headers = [("User-Agent", "ticker-pipeline-loader"), ("Content-Type", "application/json")] + extra
        let token = try await tokens.current()
        if let token { headers.append(("Authorization", "Bearer \(token)")) }
        let answer = try await send(method, path, headers, body)
        guard (200..<300).contains(answer.status) else {
            if answer.status == 401, let token { await tokens.discard(token) }
            throw BigQueryError(answer)
        }
        do {
            return try JSONDecoder().decode(Answer.self, from: answer.body)
        } catch {
            // Cut off, or a proxy's page. The request may have been carried out, so it is repeated.
            throw BigQueryError(status: nil, message: "the answer is not the JSON that was expected")
        }
    }

    private func send(
        _ method: HTTPTransport.Method, _ path: String, _ headers: [(String, String)], _ body: [UInt8]?
    ) async throws -> HTTPAnswer {
        let start = ContinuousClock.now
        defer { metrics.requestDuration.observe(.now - start) }
        do {
            let answer = try await transport.send(method, target.endpoint + path, headers: headers, body: body)
            metrics.warehouseReachable.set(answer.status < 500 ? 1 : 0)
            return answer
        } catch let error as BigQueryError {
            metrics.warehouseReachable.set(0)
            throw error
        }
    }

    /// Carries a step out; false when there is nothing more to try as it is.
    func recover(_ step: RetryPolicy.Step, from error: BigQueryError) async throws -> Bool {
        if step != .split, step != .giveUp, let retry = RetryClass(error.kind) { metrics.retries.add(retry) }
        switch step {
        case .wait(let duration):
            logger.warning(
                "BigQuery call failed, trying again",
                metadata: ["error.message": "\(error)", "retry.wait": "\(duration)"])
            try await Task.sleep(for: duration)
            return true
        case .renewToken:
            // The refused token was discarded with the answer.
            return true
        case .split, .giveUp:
            return false
        }
    }
}

extension BigQueryError {
    /// Reads an answer that is not a success; the front end's pages are HTML, so it may be no JSON.
    init(_ answer: HTTPAnswer) {
        let detail = try? JSONDecoder().decode(ErrorAnswer.self, from: answer.body).error
        self.init(
            status: answer.status, reason: detail?.errors?.first?.reason,
            message: detail?.message ?? String(decoding: answer.body.prefix(200), as: UTF8.self),
            retryAfter: answer.retryAfter)
    }
}
