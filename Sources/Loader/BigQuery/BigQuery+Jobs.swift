import FoundationEssentials
import Logging

/// A statement and its named parameters.
struct Statement: Equatable {
    let text: String
    let parameters: [QueryParameter]
}

/// What became of a job.
enum JobState: Equatable {
    /// - Parameter insertedRows: as the job's statistics tell; an emulator may not.
    case succeeded(insertedRows: Int?)
    case failed(BigQueryError)
    case running
    /// There is no such job: it was never submitted, or long ago.
    case missing
}

extension BigQuery {
    /// Runs a statement that only reads, and returns its rows as text.
    func query(_ statement: Statement) async throws -> [[String?]] {
        let request = QueryRequest(
            query: statement.text, queryParameters: statement.parameters, location: target.location)
        var answer: QueryAnswer = try await call("/projects/\(target.project)/queries", request)
        var policy = RetryPolicy(limits.forQueries)
        while answer.jobComplete == false, let job = answer.jobReference {
            let running = BigQueryError(status: nil, message: "query \(job.jobId) is still running")
            guard case .wait(let duration) = policy.step(after: running) else { throw running }
            try await Task.sleep(for: duration)
            // The server holds the call for up to this time.
            let path = "/projects/\(target.project)/queries/\(job.jobId)?timeoutMs=20000&maxResults=10"
            answer = try await call(.get, path + "&location=\(job.location ?? target.location)")
        }
        return (answer.rows ?? []).map { $0.f.map(\.v) }
    }

    /// Submits a job under an id of ours. One that exists under this id is that same job: submitting
    /// again after a lost answer does not run it twice.
    func submit(_ statement: Statement, jobID: String) async throws {
        let request = JobRequest(
            jobReference: JobReference(projectId: target.project, jobId: jobID, location: target.location),
            configuration: .init(
                query: .init(query: statement.text, queryParameters: statement.parameters)))
        do {
            let _: JobAnswer = try await call("/projects/\(target.project)/jobs", request)
        } catch let error as BigQueryError where error.kind == .conflict {
            logger.info("job exists already, adopting it", metadata: ["job.id": "\(jobID)"])
        }
    }

    /// Uses up the id of a job that BigQuery does not know, and returns what became of the job if it came first.
    ///
    /// That a job is missing does not say that it will not come: the request can be on its way, from a loader
    /// that died over it or is sending it again. BigQuery takes an id once, so it refuses a job that comes after
    /// this one. This one fails, since a job that succeeded would be taken for one that published the hour.
    func useUp(jobID: String) async throws -> JobState {
        do {
            try await submit(.failing, jobID: jobID)
        } catch let error as BigQueryError where error.kind == .badRequest {
            // What is wrong with the statement can be told at once, and the job be kept as one that failed.
            let state = try await wait(for: jobID)
            guard state != .missing else { throw error }
            return state
        }
        return try await wait(for: jobID)
    }

    func job(_ id: String) async throws -> JobState {
        let answer: JobAnswer
        do {
            answer = try await call(.get, "/projects/\(target.project)/jobs/\(id)?location=\(target.location)")
        } catch let error as BigQueryError where error.kind == .notFound {
            return .missing
        }
        guard answer.status?.state == "DONE" else { return .running }
        if let error = answer.status?.errorResult {
            return .failed(BigQueryError(status: 200, reason: error.reason, message: error.message ?? ""))
        }
        return .succeeded(insertedRows: answer.statistics?.query?.dmlStats?.insertedRowCount.flatMap { Int($0) })
    }

    /// Waits until a job is done. One that takes longer than the limit is left running: the ledger
    /// knows its id, and the next run asks for it.
    func wait(for id: String) async throws -> JobState {
        var policy = RetryPolicy(limits.forPolling)
        while true {
            let state = try await job(id)
            guard state == .running else { return state }
            let running = BigQueryError(status: nil, message: "job \(id) is still running")
            guard case .wait(let duration) = policy.step(after: running) else { throw running }
            try await Task.sleep(for: duration)
        }
    }
}

extension RetryLimits {
    fileprivate var forPolling: RetryLimits {
        var limits = self
        limits.transient = poll
        return limits
    }

    fileprivate var forQueries: RetryLimits {
        var limits = self
        limits.transient = query
        return limits
    }
}
