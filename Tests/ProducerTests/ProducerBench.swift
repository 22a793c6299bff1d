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
    /// Of the last producer that got one.
    private var disk: SmallDisk?

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
    func startProducer(_ extra: [String: String] = [:]) throws -> ChildProcess {
        try ChildProcess(BuiltProduct.path("producer"), environment: environment(extra), folder: folder)
    }

    /// Starts the real binary with a file system of its own in place of the spool's folder.
    ///
    /// - Parameter mount: its options, see ``SmallDisk``.
    func startProducer(_ extra: [String: String] = [:], mount: String) async throws -> ChildProcess {
        disk = try await SmallDisk(at: spool, options: mount)
        return try startProducerOnDisk(extra)
    }

    /// Starts it with the file system of the one before.
    func startProducerOnDisk(_ extra: [String: String] = [:]) throws -> ChildProcess {
        guard let disk else { throw SetupError("there was no producer with a disk of its own") }
        let command = disk.entering((try BuiltProduct.path("producer"), []), folder: folder)
        return try ChildProcess(
            command.executable, command.arguments, environment: environment(extra), folder: folder)
    }

    func environment(_ extra: [String: String]) -> [String: String] {
        let environment = [
            "UPBIT_WEBSOCKET_URL": exchange.webSocketURL,
            "UPBIT_MARKETS_URL": "\(exchange.restURL)/v1/market/all",
            "UPBIT_CA_FILE": authority.authorityPath,
            "KAFKA_SERVERS": kafka.bootstrapServers,
            "KAFKA_TOPIC": Self.topic,
            "PRODUCER_ID": "bench",
            "SPOOL_DIRECTORY": spool,
            "ADMIN_PORT": "0",
            "LOG_LEVEL": "debug",
            "PATH": "/usr/bin:/bin",
        ]
        return environment.merging(extra) { _, extra in extra }
    }

    /// Returns once Kafka has so many records.
    func waitUntilPublished(_ count: Int) async throws {
        try await TopicReader.wait(
            for: Int64(count), in: Self.topic, partitions: Self.partitions, servers: kafka.bootstrapServers)
    }

    /// Returns once Kafka has each frame up to this number. One that is there twice counts once, as it does for
    /// the consumer: a client that is replaced may have delivered what the next one sends again.
    func waitUntilPublished(through last: UInt64) async throws {
        try await waitUntilPublished(Int(last))
        try await waitForRecords { Set($0.map(\.sequence)).isSuperset(of: 1...last) }
    }

    /// Returns once Kafka was told of so many gaps.
    func waitForGaps(_ count: Int) async throws {
        try await TopicReader.wait(
            for: Int64(count), in: Self.topic + Gap.topicSuffix, partitions: 1, servers: kafka.bootstrapServers)
    }

    /// Reads all records again and again until they are as they are to be.
    @discardableResult
    func waitForRecords(_ areComplete: ([TopicReader.Record]) -> Bool) async throws -> [TopicReader.Record] {
        let deadline = ContinuousClock.now + .seconds(60)
        while .now < deadline {
            let records = try records()
            if areComplete(records) { return records }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw SetupError("not all records came")
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
