import Glibc
import Kafka
import Market
import Runtime
import WebSocket

/// Everything that the producer can be told, read and checked at once.
struct ProducerSettings: ServiceSettings {
    static let service = "producer"

    let webSocket: Endpoint
    let rest: Endpoint
    let certificateAuthorityFile: String?
    let markets: MarketSelection
    let stallTimeout: Duration?
    let pingSeconds: Int
    let marketRefresh: Duration
    let frameLimitBytes: Int
    let producerID: String
    let spoolDirectory: String
    let spoolLimitBytes: Int
    let spoolSyncInterval: Duration
    let topic: String
    let kafka: [KafkaSettings.Property]
    let partitioner: Partitioner
    let admin: AdminSettings

    init(in environment: Environment) throws(ConfigurationError) {
        webSocket = try Self.webSocketURL.value(in: environment)
        rest = try Self.restURL.value(in: environment)
        certificateAuthorityFile = try Self.caFile.optional(in: environment)
        markets = try Self.markets.value(in: environment)
        stallTimeout = try Self.stallTimeout.optional(in: environment)
        pingSeconds = try Self.pingSeconds.value(in: environment)
        marketRefresh = try Self.marketRefresh.value(in: environment)
        frameLimitBytes = try Self.frameLimit.value(in: environment)
        producerID = try Self.producerID.value(in: environment)
        spoolDirectory = try Self.spoolDirectory.value(in: environment)
        spoolLimitBytes = try Self.spoolLimit.value(in: environment)
        spoolSyncInterval = try Self.spoolSyncInterval.value(in: environment)
        let smallest = Spool.Limits(bytes: spoolLimitBytes, frameBytes: frameLimitBytes).smallestBytes
        guard spoolLimitBytes >= smallest else {
            throw ConfigurationError(
                "SPOOL_MAX_BYTES: \(spoolLimitBytes) is less than \(smallest), which UPBIT_MAX_FRAME_BYTES asks for")
        }
        topic = try KafkaSettings.topic.value(in: environment)
        kafka = try KafkaSettings.properties(in: environment)
        partitioner = try chosenPartitioner(kafka)
        admin = try AdminSettings(in: environment, defaultPort: Self.adminPort)
    }

    private static let webSocketURL = endpoint(
        "UPBIT_WEBSOCKET_URL", "wss://api.upbit.com/websocket/v1", "The exchange's WebSocket.", schemes: "wss or ws")
    private static let restURL = endpoint(
        "UPBIT_MARKETS_URL", "https://api.upbit.com/v1/market/all", "The exchange's list of markets.",
        schemes: "https or http")
    private static let caFile = Setting.text(
        "UPBIT_CA_FILE", "PEM file of certificate authorities to trust beside the system's.")
    private static let markets = Setting<MarketSelection>(
        "UPBIT_MARKETS", default: "KRW-*", "Markets to record: codes and patterns, with commas between; * is all.",
        expected: "a list of codes such as KRW-BTC or patterns such as KRW-*"
    ) { MarketSelection($0) }
    private static let stallTimeout = Setting.duration(
        "UPBIT_STALL_TIMEOUT", in: .seconds(1)...(.seconds(86_400)),
        """
        Reconnect when no data came for this long. Without it 8s from 20 markets on and 5m below, \
        where silence is normal.
        """)
    private static let pingSeconds = Setting.integer(
        "UPBIT_PING_SECONDS", default: "30", in: 1...110,
        "How often a ping is sent; the exchange hangs up after 60 to 120 s of silence.")
    private static let marketRefresh = Setting.duration(
        "UPBIT_MARKETS_REFRESH", default: "1h", in: .seconds(10)...(.seconds(86_400)),
        "How often new listings are looked for while connected; every reconnect looks too.")
    private static let frameLimit = Setting.bytes(
        "UPBIT_MAX_FRAME_BYTES", default: "1000000", in: 1_024...(16 << 20),
        "A larger frame ends the connection. Kafka's brokers take records of up to 1 MB unless told otherwise.")
    private static let producerID = Setting<String>(
        "PRODUCER_ID",
        """
        Begins this producer's name in the records' headers; the spool adds digits of its own and keeps \
        the name. Without it the host's name.
        """, unset: { _ in hostName() }, expected: "1 to 200 printable ASCII characters without quotes and backslashes"
    ) { text in
        text.utf8.count <= 200 && Array(text.utf8).withUnsafeBytes(Gap.isValidProducer) ? text : nil
    }
    private static let spoolDirectory = Setting.text(
        "SPOOL_DIRECTORY",
        """
        Folder of the frames that Kafka does not have yet; one producer's alone, on a local disk. \
        Without it systemd's $STATE_DIRECTORY, or spool in the working folder.
        """, unset: defaultSpoolDirectory)
    private static let spoolLimit = Setting.bytes(
        "SPOOL_MAX_BYTES", default: "4GiB", in: (1 << 20)...(1 << 50),
        "How large the spool may get; when it is full the socket is not read, which is recorded as a gap.")
    private static let spoolSyncInterval = Setting.duration(
        "SPOOL_SYNC_INTERVAL", default: "1s", in: .milliseconds(10)...(.seconds(60)),
        "How often the spool is flushed to the disk: what a power cut may cost. A killed process costs nothing.")

    private static let adminPort = 9_101

    static let descriptions =
        [
            webSocketURL.description, restURL.description, caFile.description, markets.description,
            stallTimeout.description, pingSeconds.description, marketRefresh.description, frameLimit.description,
            producerID.description, spoolDirectory.description, spoolLimit.description, spoolSyncInterval.description,
            KafkaSettings.servers.description, KafkaSettings.topic.description,
            KafkaSettings.passThrough, logLevelSetting.description, logFormatSetting.description,
        ] + AdminSettings.descriptions(defaultPort: adminPort)

    private static func endpoint(
        _ name: String, _ defaultText: String, _ help: String, schemes: String
    ) -> Setting<Endpoint> {
        Setting(name, default: defaultText, help, expected: "a URL with \(schemes)") { Endpoint($0) }
    }
}

/// systemd gives a service's `StateDirectory=` this way; of several the first is taken.
@Sendable
private func defaultSpoolDirectory(_ environment: Environment) -> String {
    environment["STATE_DIRECTORY"].flatMap { $0.split(separator: ":").first.map(String.init) } ?? "spool"
}

private func chosenPartitioner(_ properties: [KafkaSettings.Property]) throws(ConfigurationError) -> Partitioner {
    guard let property = properties.last(where: { $0.name == "partitioner" }) else { return .standard }
    guard let partitioner = Partitioner(rawValue: property.value) else {
        throw ConfigurationError(
            """
            \(property.variable): '\(property.value)' is not a partitioner that keeps a market in one partition: \
            consistent, murmur2 or fnv1a, or one of them with _random
            """)
    }
    return partitioner
}

/// Characters that may not be in a producer's name become dashes.
private func hostName() -> String {
    var name = [CChar](repeating: 0, count: 201)
    gethostname(&name, name.count - 1)
    let bytes = name.prefix { $0 != 0 }.map { character in
        let byte = UInt8(bitPattern: character)
        return [byte].withUnsafeBytes(Gap.isValidProducer) ? byte : UInt8(ascii: "-")
    }
    return bytes.isEmpty ? "producer" : String(decoding: bytes, as: UTF8.self)
}
