import Postgres

/// Answers the requests of ``FakeBigQuery``: authorization first, then an injected fault, then the work.
final class BigQueryService: Sendable {
    let warehouse: Warehouse
    let tokens: TokenService
    let faults = FaultQueue()
    let watch = RequestWatch()
    let exchanges = EventLog<FakeBigQuery.Exchange>()
    private let jobs: JobBook
    private let project: String
    private let clock: FakeClock
    private let options: FakeBigQuery.Options

    init(
        database: PostgresConfiguration, project: String, clock: FakeClock, options: FakeBigQuery.Options
    ) throws {
        warehouse = try Warehouse(database, options: options)
        tokens = try TokenService(clock: clock, lifetime: options.tokenLifetime)
        jobs = JobBook(warehouse, project: project, options: options)
        self.project = project
        self.clock = clock
        self.options = options
    }

    func answer(_ request: HTTPRequest) async -> HTTPResponse {
        guard let route = Route(request, project: project) else {
            return GoogleError.notFound("\(request.method) /\(request.path.joined(separator: "/"))").response
        }
        return await watch.around(route.endpoint) { await answer(request, route) }
    }

    private func answer(_ request: HTTPRequest, _ route: Route) async -> HTTPResponse {
        var rowCount = 0
        var response = HTTPResponse(status: 500, body: [])
        do throws(GoogleError) {
            if options.authentication { try authorize(route, request) }
            let body = try body(of: request, route)
            rowCount = body["rows"]?.elements?.count ?? 0
            response = try await answer(request, route, body, fault: faults.take(route.endpoint))
        } catch {
            response = error.response
        }
        exchanges.append(
            FakeBigQuery.Exchange(
                endpoint: route.endpoint, status: response.status, rows: rowCount, query: request.query,
                headers: request.headers))
        return response
    }

    private func authorize(_ route: Route, _ request: HTTPRequest) throws(GoogleError) {
        switch route {
        case .token, .metadata: return
        default: try tokens.check(request)
        }
    }

    private func body(of request: HTTPRequest, _ route: Route) throws(GoogleError) -> JSON {
        if case .token = route { return .null }
        guard request.method == "POST" else { return .null }
        guard request.body.count <= InsertAllRequest.bodyLimitBytes else {
            throw .tooLarge(limitBytes: InsertAllRequest.bodyLimitBytes)
        }
        do { return try JSON(request.body) } catch { throw GoogleError(400, "parseError", "Parse Error: \(error)") }
    }

    private func answer(
        _ request: HTTPRequest, _ route: Route, _ body: JSON, fault: Fault?
    ) async throws(GoogleError) -> HTTPResponse {
        switch fault {
        case .refused(let error, let retryAfter):
            var response = error.response
            if let retryAfter { response.headers.append(("Retry-After", String(retryAfter))) }
            return response
        case .tooLargeAsHTML: return .frontEndTooLarge
        case .doneButAnswered(let error):
            _ = try await perform(request, route, body, fault: nil)
            return error.response
        case .doneButReset:
            var response = try await perform(request, route, body, fault: nil)
            response.ending = .reset
            return response
        case .rows, .jobFails, nil: return try await perform(request, route, body, fault: fault)
        }
    }

    private func perform(
        _ request: HTTPRequest, _ route: Route, _ body: JSON, fault: Fault?
    ) async throws(GoogleError) -> HTTPResponse {
        switch route {
        case .token: tokens.token(request)
        case .metadata: tokens.metadata(request, project: project)
        case .datasets: HTTPResponse(try await createDataset(body))
        case .dataset(let name): HTTPResponse(try await warehouse.dataset(name, project: project))
        case .tables(let dataset): HTTPResponse(try await createTable(body, in: dataset))
        case .table(let name): HTTPResponse(try await warehouse.table(name, project: project).json(project: project))
        case .insertAll(let table): HTTPResponse(try await insertAll(body, into: table, fault: fault))
        case .query: HTTPResponse(try await query(body, fault: fault))
        case .jobs: HTTPResponse(try await createJob(body, fault: fault))
        case .job(let id): HTTPResponse(try await job(id, request))
        case .queryResults(let id): HTTPResponse(try await queryResults(id, request))
        }
    }
}

// MARK: - Datasets, tables, rows

extension BigQueryService {
    private func createDataset(_ body: JSON) async throws(GoogleError) -> JSON {
        guard let name = body["datasetReference"]?["datasetId"]?.text, TableName.isValid(name) else {
            throw .invalid("Invalid dataset ID")
        }
        let resource: JSON = [
            "kind": "bigquery#dataset", "id": .string("\(project):\(name)"),
            "datasetReference": ["projectId": .string(project), "datasetId": .string(name)],
            "location": body["location"] ?? .string(options.location),
        ]
        return try await warehouse.createDataset(name, resource, project: project)
    }

    private func createTable(_ body: JSON, in dataset: String) async throws(GoogleError) -> JSON {
        let table = try TableDefinition(body, dataset: dataset, created: clock.now)
        try await warehouse.createTable(table, project: project)
        return table.json(project: project)
    }

    private func insertAll(_ body: JSON, into name: TableName, fault: Fault?) async throws(GoogleError) -> JSON {
        if name.table.contains("$") {
            throw .invalid(
                "Streaming to metadata partition of column based partitioning table \(name.table) is disallowed.")
        }
        let table = try await warehouse.table(name, project: project)
        let now = clock.now
        guard now - table.created >= options.newTableDelay.microseconds else {
            throw .notFound("Table \(project):\(name.dataset).\(name.table)")
        }
        var failing: (rows: [Int], reason: String) = ([], "")
        if case .rows(let rows, let reason) = fault { failing = (rows, reason) }
        let request = try InsertAllRequest(
            body, into: table, failing: failing.rows, reason: failing.reason, now: now)
        try await warehouse.append(request, to: name, now: now)
        return request.response
    }
}

// MARK: - Queries and jobs

extension BigQueryService {
    private func query(_ body: JSON, fault: Fault?) async throws(GoogleError) -> JSON {
        let job = try await jobs.submit(
            try QueryRequest(body), id: nil, requestID: body["requestId"]?.text, polls: options.pollsUntilQueryComplete,
            failure: failure(fault), now: clock.now)
        var results = try job.results(
            project: project, location: options.location, from: 0, limit: body["maxResults"]?.integer.map { Int($0) },
            usesIntegerTimestamps: body["formatOptions"]?["useInt64Timestamp"]?.flag ?? false)
        if case .object(var members) = results {
            members["kind"] = "bigquery#queryResponse"
            results = .object(members)
        }
        return results
    }

    private func createJob(_ body: JSON, fault: Fault?) async throws(GoogleError) -> JSON {
        guard let query = body["configuration"]?["query"] else {
            throw GoogleError(501, "notImplemented", "The fake has only query jobs")
        }
        let id = body["jobReference"]?["jobId"]?.text
        if let id, id.isEmpty || id.utf8.count > 1_024 || !id.allSatisfy(isJobIDCharacter) {
            throw .invalid("Invalid job ID \"\(id)\". Must be alphanumeric (plus underscores and dashes)")
        }
        let job = try await jobs.submit(
            try QueryRequest(query), id: id, polls: options.pollsUntilDone, failure: failure(fault), now: clock.now)
        return job.json(project: project, location: options.location, isNew: true)
    }

    private func job(_ id: String, _ request: HTTPRequest) async throws(GoogleError) -> JSON {
        try await jobs.poll(id, location: request.query["location"])
            .json(project: project, location: options.location)
    }

    private func queryResults(_ id: String, _ request: HTTPRequest) async throws(GoogleError) -> JSON {
        guard let start = Int(request.query["pageToken"] ?? request.query["startIndex"] ?? "0") else {
            throw .invalid("Invalid page token")
        }
        return try await jobs.poll(id, location: request.query["location"]).results(
            project: project, location: options.location, from: start,
            limit: request.query["maxResults"].flatMap { Int($0) },
            usesIntegerTimestamps: request.query["formatOptions.useInt64Timestamp"] == "true")
    }

    private func failure(_ fault: Fault?) -> GoogleError? {
        if case .jobFails(let error) = fault { error } else { nil }
    }
}

private func isJobIDCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == "-")
}
