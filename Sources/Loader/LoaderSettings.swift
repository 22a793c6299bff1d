import Postgres
import Runtime

/// What the loader can be told, and what it was told.
struct LoaderSettings: ServiceSettings {
    static let service = "loader"

    let database: DatabaseSettings
    /// Whose progress closes an hour.
    let topic: String
    /// nil: the project of the credentials.
    let project: String?
    let dataset: String
    let table: String
    let location: String
    let partitioning: String
    let createsMissing: Bool
    /// Scheme, host and path up to, and without, `/projects`.
    let endpoint: String
    let credentials: FoundCredentials
    let batchRows: Int
    let concurrency: Int
    let gzipsRows: Bool
    let lockTimeout: Duration
    let closeTimeout: Duration
    /// How many hours before the current one a run without arguments looks at.
    let lookbackHours: Int
    let admin: AdminSettings
    /// How long an hour has to be over before `--schedule` loads it.
    let scheduleDelay: Duration

    init(in environment: Environment) throws(ConfigurationError) {
        database = try DatabaseSettings(in: environment)
        topic = try KafkaSettings.topic.value(in: environment)
        dataset = try Self.dataset.value(in: environment)
        table = try Self.table.value(in: environment)
        location = try Self.location.value(in: environment)
        partitioning = try Self.partitioning.value(in: environment)
        createsMissing = try Self.create.value(in: environment)
        batchRows = try Self.batchRows.value(in: environment)
        concurrency = try Self.concurrency.value(in: environment)
        gzipsRows = try Self.gzip.value(in: environment)
        lockTimeout = try Self.lockTimeout.value(in: environment)
        closeTimeout = try Self.closeTimeout.value(in: environment)
        lookbackHours = Int((try Self.lookback.value(in: environment).components.seconds + 3_599) / 3_600)
        admin = try AdminSettings(in: environment, defaultPort: Self.adminPort)
        scheduleDelay = try Self.scheduleDelay.value(in: environment)
        if let emulator = try Self.emulatorHost.optional(in: environment) {
            endpoint = emulator
            credentials = FoundCredentials(credentials: .none, project: nil)
        } else {
            endpoint = try Self.endpoint.value(in: environment)
            credentials = try FoundCredentials(in: environment)
        }
        let bigQueryProject = try Self.project.optional(in: environment)
        let cloudProject = try Self.cloudProject.optional(in: environment)
        project = bigQueryProject ?? cloudProject ?? credentials.project
    }

    var postgres: PostgresConfiguration {
        PostgresConfiguration(
            host: database.host, port: database.port, database: database.database, user: database.user,
            password: database.password, sslMode: database.sslMode,
            sslRootCertificate: database.sslRootCertificate, applicationName: "loader",
            answerTimeout: max(Self.answerTimeout, lockTimeout + .seconds(60)))
    }

    /// A statement about one hour takes seconds, or minutes where no index helps: a server that is silent for
    /// longer does not work on it any more. To wait for the lock is silence, too.
    private static let answerTimeout = Duration.seconds(600)
}

extension LoaderSettings {
    private static let project = projectSetting(
        "BIGQUERY_PROJECT", "Project of the dataset. Unset: GOOGLE_CLOUD_PROJECT, then the credentials' own.")
    private static let cloudProject = projectSetting("GOOGLE_CLOUD_PROJECT", "Used when BIGQUERY_PROJECT is unset.")
    private static let dataset = Setting<String>(
        "BIGQUERY_DATASET", default: "upbit", "Dataset of the tables.",
        expected: "a name of letters, digits and underscores"
    ) { isName($0, extra: "_") ? $0 : nil }
    private static let table = Setting<String>(
        "BIGQUERY_TABLE", default: "trade_data",
        "Final table. Rows are staged in the table of this name with _staging behind it.",
        expected: "a name of letters, digits, underscores and dashes"
    ) { isName($0, extra: "_-") ? $0 : nil }
    private static let location = Setting<String>(
        "BIGQUERY_LOCATION", default: "US", "Location of the dataset, such as US, EU or asia-northeast3.",
        expected: "a name of letters, digits and dashes"
    ) { isName($0, extra: "-") ? $0 : nil }
    private static let partitioning = Setting.oneOf(
        "BIGQUERY_PARTITIONING", ["HOUR", "DAY"], default: "HOUR",
        "How a final table is partitioned when it is created. 10,000 partitions are 416 days of hours.")
    private static let create = Setting.flag(
        "BIGQUERY_CREATE", default: "true", "Create dataset and tables that are missing.")
    private static let emulatorHost = Setting<String>(
        "BIGQUERY_EMULATOR_HOST", "An emulator, such as localhost:9050; no credentials are used.",
        expected: "a host and port, with or without http:// and a path"
    ) { endpointURL($0, defaultScheme: "http") }
    private static let endpoint = Setting<String>(
        "BIGQUERY_ENDPOINT", default: "https://bigquery.googleapis.com",
        "Another endpoint with the same credentials, such as one of Private Service Connect.",
        expected: "a URL such as https://bigquery.googleapis.com"
    ) { endpointURL($0, defaultScheme: "https") }
    private static let batchRows = Setting.integer(
        "LOADER_BATCH_ROWS", default: "5000", in: 1...50_000, "Rows in one insertAll request, at most.")
    private static let concurrency = Setting.integer(
        "LOADER_CONCURRENCY", default: "8", in: 1...64, "insertAll requests in flight.")
    private static let gzip = Setting.flag(
        "LOADER_GZIP", default: "true", "Send rows compressed: a tenth of the bytes for twice the processor time.")
    private static let lockTimeout = Setting.duration(
        "LOADER_LOCK_TIMEOUT", default: "10m", in: .seconds(1)...(.seconds(86_400)),
        "How long to wait for another loader that loads into the same table.")
    private static let closeTimeout = Setting.duration(
        "LOADER_CLOSE_TIMEOUT", default: "5m", in: .zero ... .seconds(86_400),
        "How long a run waits, in all, until the consumer has passed the end of its hours; then they are provisional."
    )
    private static let lookback = Setting.duration(
        "LOADER_LOOKBACK", default: "48h", in: .seconds(3_600) ... .seconds(31 * 86_400),
        "How far a run without arguments looks back for hours that have changed. Less than the retention of "
            + "trade_data.")

    private static let adminPort = 9_103
    private static let scheduleDelay = Setting.duration(
        "LOADER_SCHEDULE_DELAY", default: "5m", in: .zero ... .seconds(3_540),
        "How long after an hour's end --schedule loads it.")

    static let descriptions =
        DatabaseSettings.descriptions
        + [KafkaSettings.topic.description]
        + [
            project.description, cloudProject.description, dataset.description, table.description,
            location.description, partitioning.description, create.description,
        ]
        + FoundCredentials.descriptions
        + [
            emulatorHost.description, endpoint.description, batchRows.description, concurrency.description,
            gzip.description, lockTimeout.description, closeTimeout.description, lookback.description,
            scheduleDelay.description,
            logLevelSetting.description, logFormatSetting.description,
        ] + AdminSettings.descriptions(defaultPort: adminPort)

    private static func projectSetting(_ name: String, _ help: String) -> Setting<String> {
        Setting(name, help, expected: "a project id of letters, digits and dashes") {
            isName($0, extra: "-.:_") ? $0 : nil
        }
    }
}

/// Names go into URLs and, between backticks, into SQL: nothing that means something there is let through.
private func isName(_ text: String, extra: String) -> Bool {
    !text.isEmpty && text.count <= 1_000
        && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || extra.contains($0) }
}

/// `localhost:9050`, `http://localhost:9050/bigquery/v2/` → `http://localhost:9050/bigquery/v2`.
private func endpointURL(_ text: String, defaultScheme: String) -> String? {
    var url = text.contains("://") ? text : "\(defaultScheme)://\(text)"
    while url.hasSuffix("/") { url.removeLast() }
    let parts = url.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, ["http", "https"].contains(parts[0]), let first = parts[1].first, first != "/",
        first != ":", !url.contains(where: { $0.isWhitespace || $0 == "?" || $0 == "#" })
    else { return nil }
    return url.hasSuffix("/bigquery/v2") ? url : "\(url)/bigquery/v2"
}
