import Postgres
import Runtime

/// Everything that the consumer can be told, read and checked at once.
struct ConsumerSettings: ServiceSettings {
    static let service = "consumer"

    let topics: Topics
    let group: String
    let kafka: [KafkaSettings.Property]
    let database: PostgresConfiguration
    let chunkInterval: String
    let agePolicies: AgePolicies
    let batch: Batch.Limits
    let admin: AdminSettings

    init(in environment: Environment) throws(ConfigurationError) {
        topics = Topics(ticks: try KafkaSettings.topic.value(in: environment))
        group = try KafkaSettings.group.value(in: environment)
        kafka = try KafkaSettings.properties(in: environment)
        batch = Batch.Limits(
            rows: try Self.batchRows.value(in: environment), bytes: try Self.batchBytes.value(in: environment),
            latency: try Self.batchLatency.value(in: environment))
        let settings = try DatabaseSettings(in: environment)
        database = PostgresConfiguration(
            host: settings.host, port: settings.port, database: settings.database, user: settings.user,
            password: settings.password, sslMode: settings.sslMode,
            sslRootCertificate: settings.sslRootCertificate, applicationName: "consumer",
            sessionSettings: Self.sessionSettings(latency: batch.latency), answerTimeout: Self.answerTimeout)
        chunkInterval = try Self.chunkInterval.value(in: environment)
        agePolicies = AgePolicies(
            compressAfter: try Self.compressAfter.optional(in: environment),
            retention: try Self.retention.optional(in: environment))
        admin = try AdminSettings(in: environment, defaultPort: Self.adminPort)
    }

    /// How long a broker may keep an empty answer back: no longer than a record may wait for its transaction,
    /// since a broker can look for new records only when that time is over.
    var fetchWaitMilliseconds: Int { Int(min(batch.latency, .milliseconds(100)) / .milliseconds(1)) }

    /// A consumer that stalls between two statements loses its transaction, so that the next owner of its partitions
    /// does not wait for it; one that stalls between the rows of a COPY is ended by others (``StalledConsumers``). A
    /// statement that the server takes too long for is given up. And nobody waits for a lock for longer than a stop
    /// may take.
    private static func sessionSettings(latency: Duration) -> [(name: String, value: String)] {
        [
            (name: "idle_in_transaction_session_timeout", value: "\(Int(stallLimit / .seconds(1)))s"),
            (name: "lock_timeout", value: "2s"),
            (name: "statement_timeout", value: "\(Int((latency + .seconds(30)) / .milliseconds(1)))ms"),
        ]
    }

    /// How long a consumer may keep a transaction open without a word.
    private static let stallLimit = Duration.seconds(10)

    /// A COPY that waits for rows for longer is that of a consumer that stalls: one that lives ends its batch.
    var copyLimit: Duration { batch.latency + Self.stallLimit }

    /// Every statement is about one batch, or about tables without rows, and answers within a second or so: a
    /// server that is silent for so long is frozen, or behind a proxy that has lost it.
    static let answerTimeout = Duration.seconds(60)

    private static let batchRows = Setting.integer(
        "CONSUMER_BATCH_ROWS", default: "50000", in: 1...1_000_000, "A transaction has at most this many rows.")
    private static let batchBytes = Setting.bytes(
        "CONSUMER_BATCH_BYTES", default: "4MiB", in: 1_024...(256 << 20),
        "A transaction has about this many bytes of rows.")
    private static let batchLatency = Setting.duration(
        "CONSUMER_BATCH_LATENCY", default: "250ms", in: .milliseconds(1)...(.seconds(60)),
        "How long a record may wait for more to come into its transaction.")
    private static let chunkInterval = interval(
        "TIMESCALEDB_CHUNK_INTERVAL", default: "1 day", "Time span of a chunk of the hypertable when it is created.")
    private static let compressAfter = interval(
        "TIMESCALEDB_COMPRESS_AFTER",
        "Age from which TimescaleDB's Community Edition compresses ticks. Makes the policy when there is none. Unset: never."
    )
    private static let retention = interval(
        "TIMESCALEDB_RETENTION", isWholeDays: true,
        "Age from which TimescaleDB's Community Edition deletes ticks; more than LOADER_LOOKBACK. Makes the policy when there is none. Unset: never."
    )

    /// A PostgreSQL interval.
    private static func interval(
        _ name: String, default defaultText: String? = nil, isWholeDays: Bool = false, _ help: String
    ) -> Setting<String> {
        let units = isWholeDays ? ["day", "days"] : ["hour", "hours", "day", "days"]
        return Setting(
            name, default: defaultText, help,
            expected: isWholeDays
                ? "a number of days, such as 90 days" : "a number and hours or days, such as 6 hours or 1 day"
        ) { text in
            let parts = text.split(separator: " ")
            guard parts.count == 2, let number = Int(parts[0]), (1...10_000).contains(number),
                units.contains(String(parts[1]))
            else { return nil }
            return text
        }
    }

    private static let adminPort = 9_102

    static let descriptions =
        [KafkaSettings.servers.description, KafkaSettings.topic.description, KafkaSettings.group.description]
        + DatabaseSettings.descriptions
        + [
            chunkInterval.description, compressAfter.description, retention.description, batchRows.description,
            batchBytes.description, batchLatency.description,
            KafkaSettings.passThrough, logLevelSetting.description, logFormatSetting.description,
        ] + AdminSettings.descriptions(defaultPort: adminPort)
}
