import Glibc
import Runtime
import WebSocket

/// Everything that the producer can be told, read and checked at once.
struct ProducerSettings {
    let webSocket: Endpoint
    let rest: Endpoint
    let certificateAuthorityFile: String?
    let markets: MarketSelection
    let stallTimeout: Duration?
    let pingSeconds: Int
    let marketRefresh: Duration
    let frameLimitBytes: Int
    let producerID: String
    let topic: String
    let kafka: [KafkaSettings.Property]

    init(_ environment: Environment) throws(ConfigurationError) {
        webSocket = try Self.webSocketURL.value(in: environment)
        rest = try Self.restURL.value(in: environment)
        certificateAuthorityFile = try Self.caFile.optional(in: environment)
        markets = try Self.markets.value(in: environment)
        stallTimeout = try Self.stallTimeout.optional(in: environment)
        pingSeconds = try Self.pingSeconds.value(in: environment)
        marketRefresh = try Self.marketRefresh.value(in: environment)
        frameLimitBytes = try Self.frameLimit.value(in: environment)
        producerID = try Self.producerID.optional(in: environment) ?? hostName()
        topic = try KafkaSettings.topic.value(in: environment)
        kafka = try KafkaSettings.properties(in: environment)
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
        Reconnect when no data came for this long. Without it 10s from 20 markets on and 5m below, \
        where silence is normal.
        """)
    private static let pingSeconds = Setting.integer(
        "UPBIT_PING_SECONDS", default: "30", in: 1...110,
        "Silence on the socket after which a ping is sent; the exchange hangs up after 60 to 120.")
    private static let marketRefresh = Setting.duration(
        "UPBIT_MARKETS_REFRESH", default: "1h", in: .seconds(10)...(.seconds(86_400)),
        "How often new listings are looked for while connected; every reconnect looks too.")
    private static let frameLimit = Setting.bytes(
        "UPBIT_MAX_FRAME_BYTES", default: "1000000", in: 1_024...(16 << 20),
        "A larger frame ends the connection. Kafka's brokers take records of up to 1 MB unless told otherwise.")
    private static let producerID = Setting.text(
        "PRODUCER_ID",
        """
        Name of this producer in the records' headers; it must stay the same over restarts. Without it \
        the host's name.
        """)

    static let descriptions = [
        webSocketURL.description, restURL.description, caFile.description, markets.description,
        stallTimeout.description, pingSeconds.description, marketRefresh.description, frameLimit.description,
        producerID.description, KafkaSettings.servers.description, KafkaSettings.topic.description,
        KafkaSettings.passThrough, logLevelSetting.description,
    ]

    private static func endpoint(
        _ name: String, _ defaultText: String, _ help: String, schemes: String
    ) -> Setting<Endpoint> {
        Setting(name, default: defaultText, help, expected: "a URL with \(schemes)") { Endpoint($0) }
    }
}

private func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
