import AsyncHTTPClient
import FoundationEssentials
import Logging
import Postgres
import Runtime

/// No heartbeat: nothing here waits without a limit of its own, and a run that fails is told by its end.
func loaderPages(_ metrics: LoaderMetrics) -> AdminPages {
    AdminPages(
        MetricRegistry([metrics, ProcessMetrics(service: LoaderSettings.service)]),
        Health(heartbeats: []) { metrics.obstacles })
}

extension HourLoader {
    /// Puts the parts together, runs `body` with them, and takes them apart again.
    static func with<Result: Sendable>(
        _ settings: LoaderSettings, limits: RetryLimits = .patient, replacing: Bool = false,
        metrics: LoaderMetrics = LoaderMetrics(), manager: ServiceManager = ServiceManager(), logger: Logger,
        _ body: @Sendable @escaping (HourLoader) async throws -> Result
    ) async throws -> Result {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: makeHTTPConfiguration())
        let result: Swift.Result<Result, any Error>
        do {
            let loader = try await build(
                settings, HTTPTransport(client: client), limits: limits, replacing: replacing, metrics, manager,
                logger: logger)
            result = .success(try await body(loader))
            metrics.lastSuccess.set(Int(clamping: microsecondsSince1970()))
        } catch {
            if (error as? PostgresError)?.isRetriable == true { metrics.databaseReachable.set(0) }
            result = .failure(error)
        }
        // What the work said matters more than how the connections were closed.
        try? await client.shutdown()
        return try result.get()
    }

    private static func build(
        _ settings: LoaderSettings, _ transport: HTTPTransport, limits: RetryLimits, replacing: Bool,
        _ metrics: LoaderMetrics, _ manager: ServiceManager, logger: Logger
    ) async throws -> HourLoader {
        let warehouse = try await BigQuery(settings, transport, limits: limits, metrics: metrics, logger: logger)
        manager.tell(.extendTimeout(by: settings.lockTimeout + HourLoader.hourLimit), .status("waiting for its turn"))
        // The lock first: of two loaders that start together, one creates the tables.
        let ledger = try await Ledger.open(
            settings.postgres, table: warehouse.target.name, lockTimeout: settings.lockTimeout, logger: logger)
        metrics.databaseReachable.set(1)
        let tables = try await warehouse.findTables()
        if settings.createsMissing {
            // Before it is created: a run that dies in between would leave a ledger that believes in an empty table.
            if tables.final == nil { try await ledger.forgetPublishedHours(givingUp: replacing, logger: logger) }
            try await warehouse.createMissing(of: tables)
        } else {
            try warehouse.requireAll(of: tables)
        }
        return HourLoader(
            source: settings.postgres, ledger: ledger, warehouse: warehouse,
            bounds: HourReader.Bounds(rows: settings.batchRows, bytes: requestBytesLimit),
            concurrency: settings.concurrency,
            isStagingNew: tables.isStagingNew(isCreated: settings.createsMissing, at: .now), replacesMore: replacing,
            topic: settings.topic, closeTimeout: settings.closeTimeout, metrics: metrics, manager: manager,
            logger: logger)
    }

    /// Google refuses bodies over 10 MB; some room for headers and for another way of counting.
    private static let requestBytesLimit = 9_000_000
}

extension BigQuery {
    init(
        _ settings: LoaderSettings, _ transport: HTTPTransport, limits: RetryLimits,
        metrics: LoaderMetrics = LoaderMetrics(), logger: Logger
    ) async throws {
        let credentials = settings.credentials.credentials
        let request = TokenRequest(credentials: credentials, transport: transport, limits: limits, logger: logger)
        let target = BigQuery.Target(
            endpoint: settings.endpoint, project: try await Self.project(settings, transport),
            dataset: settings.dataset, table: settings.table, location: settings.location,
            partitioning: settings.partitioning)
        self.init(
            transport: transport, tokens: AccessTokens(fetch: request.fetch), target: target,
            gzipsRows: settings.gzipsRows, limits: limits, metrics: metrics, logger: logger)
    }

    private static func project(_ settings: LoaderSettings, _ transport: HTTPTransport) async throws -> String {
        if let project = settings.project { return project }
        if case .metadataServer(let host) = settings.credentials.credentials,
            let answer = try? await transport.send(
                .get, "http://\(host)/computeMetadata/v1/project/project-id", headers: metadataHeaders),
            answer.status == 200
        {
            return String(decoding: answer.body, as: UTF8.self)
        }
        throw ConfigurationError(
            "BIGQUERY_PROJECT is not set: it must be a project id, since the credentials do not name one")
    }
}
