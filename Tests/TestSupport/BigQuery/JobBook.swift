/// The jobs that were accepted. A job runs once, when it is accepted; its state is told as the real
/// service tells it: pending at first, then running, then done.
actor JobBook {
    struct Job: Sendable {
        let id: String
        let created: Int64
        var outcome: Result<QueryResult, GoogleError>?
        var pollsLeft: Int

        var isDone: Bool { outcome != nil && pollsLeft == 0 }
    }

    private let warehouse: Warehouse
    private let options: FakeBigQuery.Options
    private let project: String
    private var jobs: [String: Job] = [:]
    private var jobOfRequest: [String: String] = [:]
    private var count = 0

    init(_ warehouse: Warehouse, project: String, options: FakeBigQuery.Options) {
        self.warehouse = warehouse
        self.project = project
        self.options = options
    }

    /// Accepts and runs a job.
    ///
    /// - Parameters:
    ///   - id: the client's, which it can use once, whatever became of the job; nil makes one.
    ///   - requestID: of jobs.query: the same one again is answered with the same job.
    ///   - failure: how the job fails, by injection.
    func submit(
        _ query: QueryRequest, id: String?, requestID: String? = nil, polls: Int, failure: GoogleError?, now: Int64
    ) async throws(GoogleError) -> Job {
        if let requestID, let known = jobOfRequest[requestID].flatMap({ jobs[$0] }) { return known }
        let id = id ?? nextID()
        if jobs[id] != nil { throw .duplicate("Job \(name(id))") }
        // Taken before the first suspension, so that a second request with this id finds it.
        jobs[id] = Job(id: id, created: now, outcome: nil, pollsLeft: polls)
        if let requestID { jobOfRequest[requestID] = id }
        let outcome: Result<QueryResult, GoogleError>
        if let failure {
            outcome = .failure(failure)
        } else {
            do {
                outcome = .success(try await query.run(on: warehouse, project: project, now: now))
            } catch {
                outcome = .failure(error)
            }
        }
        jobs[id]?.outcome = outcome
        return try job(id)
    }

    /// Looks at a job, which brings it a step further.
    func poll(_ id: String, location: String?) throws(GoogleError) -> Job {
        // Outside of the two multi-regions a job is found only where it ran.
        guard location == options.location || (location == nil && ["US", "EU"].contains(options.location)) else {
            throw .notFound("Job \(project):\(id)")
        }
        let job = try job(id)
        if job.pollsLeft > 0 { jobs[id]?.pollsLeft -= 1 }
        return job
    }

    private func job(_ id: String) throws(GoogleError) -> Job {
        guard let job = jobs[id] else { throw .notFound("Job \(name(id))") }
        return job
    }

    private func nextID() -> String {
        count += 1
        return "job_\(count)"
    }

    private func name(_ id: String) -> String { "\(project):\(options.location).\(id)" }
}

extension JobBook.Job {
    func reference(project: String, location: String) -> JSON {
        ["projectId": .string(project), "jobId": .string(id), "location": .string(location)]
    }

    /// The resource of jobs.insert and jobs.get.
    func json(project: String, location: String, isNew: Bool = false) -> JSON {
        var status: [String: JSON] = ["state": .string(isDone ? "DONE" : isNew ? "PENDING" : "RUNNING")]
        var statistics: [String: JSON] = ["creationTime": .string(String(created / 1_000))]
        if isDone {
            switch outcome {
            case .failure(let error):
                status["errorResult"] = error.proto
                status["errors"] = [error.proto]
            case .success(let result):
                if let changes = result.changes { statistics["query"] = .object(changes.members) }
            case nil: break
            }
        }
        return [
            "kind": "bigquery#job", "id": .string("\(project):\(location).\(id)"),
            "jobReference": reference(project: project, location: location), "status": .object(status),
            "statistics": .object(statistics),
        ]
    }

    /// The answer of jobs.query and getQueryResults; a failed job is an error answer.
    func results(
        project: String, location: String, from start: Int, limit: Int?, usesIntegerTimestamps: Bool
    ) throws(GoogleError) -> JSON {
        var members: [String: JSON] = [
            "jobReference": reference(project: project, location: location), "jobComplete": .bool(isDone),
        ]
        guard isDone, let outcome else { return .object(members) }
        let result = try outcome.get()
        guard (0...result.rows.count).contains(start) else { throw .invalid("Invalid page token") }
        let end = min(result.rows.count, start + max(0, limit ?? result.rows.count))
        members["schema"] = result.schema
        members["totalRows"] = .string(String(result.rows.count))
        if start < end {
            members["rows"] = result.json(rows: start..<end, usesIntegerTimestamps: usesIntegerTimestamps)
        }
        if end < result.rows.count { members["pageToken"] = .string(String(end)) }
        if let changes = result.changes { members.merge(changes.members) { $1 } }
        return .object(members)
    }
}

extension QueryResult.Changes {
    fileprivate var members: [String: JSON] {
        ["numDmlAffectedRows": .string(String(affectedRows)), "dmlStats": json]
    }
}
