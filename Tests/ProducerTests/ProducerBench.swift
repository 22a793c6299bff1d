import Foundation
import Glibc
import Kafka
import Market
import TestSupport

/// An exchange with real TLS, a broker, and the real producer between them, for one test.
final class ProducerBench {
    static let topic = "upbit_ticker"
    static let partitions = 4

    let authority: TestAuthority
    let exchange: ExchangeServer
    let kafka: MockCluster
    /// Goes away with the bench.
    let folder: String
    var spool: String { "\(folder)/spool" }

    init(
        session: Session = .seeded(frameCount: 1_000), playback: Playback = Playback(),
        certificate: ((TestAuthority) throws -> TestAuthority.Certificate)? = nil
    ) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "producer-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        authority = try TestAuthority()
        let certificate = try certificate?(authority) ?? authority.server()
        exchange = try await ExchangeServer.start(
            session: session, playback: playback, settings: ExchangeSettings(certificate: certificate))
        kafka = try MockCluster()
        try kafka.createTopic(Self.topic, partitions: Self.partitions)
        try kafka.createTopic(Self.topic + Gap.topicSuffix, partitions: 1)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Starts the real binary.
    ///
    /// - Parameter mount: options of a tmpfs that only the binary sees, in place of the spool's folder.
    func startProducer(_ extra: [String: String] = [:], mount: String? = nil) throws -> ChildProcess {
        var environment = [
            "UPBIT_WEBSOCKET_URL": exchange.webSocketURL,
            "UPBIT_MARKETS_URL": "\(exchange.restURL)/v1/market/all",
            "UPBIT_CA_FILE": authority.authorityPath,
            "KAFKA_SERVERS": kafka.bootstrapServers,
            "KAFKA_TOPIC": Self.topic,
            "PRODUCER_ID": "bench",
            "SPOOL_DIRECTORY": spool,
            "LOG_LEVEL": "debug",
            "PATH": "/usr/bin:/bin",
        ]
        environment.merge(extra) { _, extra in extra }
        let producer = try BuiltProduct.path("producer")
        guard let mount else { return try ChildProcess(producer, environment: environment, folder: folder) }
        // A mount of one's own takes a root of one's own, for whoever is none.
        let script = #"mkdir -p "$2" && mount -t tmpfs -o "$1" spool "$2" && exec "$3""#
        return try ChildProcess(
            "/usr/bin/unshare",
            (getuid() == 0 ? ["-m"] : ["-Urm"]) + ["sh", "-c", script, "sh", mount, spool, producer],
            environment: environment, folder: folder)
    }

    /// Returns once Kafka has so many records.
    func waitUntilPublished(_ count: Int) async throws {
        try await TopicReader.wait(
            for: Int64(count), in: Self.topic, partitions: Self.partitions, servers: kafka.bootstrapServers)
    }

    func records() throws -> [TopicReader.Record] {
        try TopicReader.records(Self.topic, partitions: Self.partitions, servers: kafka.bootstrapServers)
    }

    /// The gaps that Kafka was told, each once, in their order.
    func gaps() throws -> [Gap] {
        let records = try TopicReader.records(
            Self.topic + Gap.topicSuffix, partitions: 1, servers: kafka.bootstrapServers)
        let gaps = records.compactMap { $0.value?.withUnsafeBytes { Gap(parsing: $0) } }
        return gaps.enumerated().filter { !gaps[..<$0.offset].contains($0.element) }.map(\.element)
    }
}
