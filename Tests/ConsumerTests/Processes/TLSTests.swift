import Foundation
import TestSupport
import Testing

@Suite("TLS all the way", .timeLimit(.minutes(5)))
struct TLSTests {
    private let topic = "upbit_ticker"
    private let login = SASLPlain.Login(user: "ticker", password: "s3cret-and-long")

    /// Exchange, Kafka and database are reached by TLS alone; Kafka asks for a password, too.
    @Test("Frames go through producer and consumer, each encrypted and verified, and no password is told")
    func pipeline() async throws {
        let authority = try TestAuthority()
        let exchange = try await ExchangeServer.start(
            session: .seeded(frameCount: 500), playback: Playback(),
            settings: ExchangeSettings(certificate: try authority.server()))
        let kafka = try await SecureKafka.start(
            authority.server(), topics: [topic: 2, "\(topic).gaps": 1], login: login)
        let server = try await TimescaleServer(extraSettings: ["fsync": "off"], certificate: authority.server())
        let database = DatabaseProbe(try await server.createDatabase("coin"))
        let folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)

        let secure = [
            "KAFKA_SERVERS": kafka.servers, "KAFKA_TOPIC": topic, "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SSL_CA_LOCATION": authority.authorityPath, "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": login.user, "KAFKA_SASL_PASSWORD": login.password,
            // All that librdkafka has to tell of it.
            "KAFKA_DEBUG": "security,broker", "LOG_LEVEL": "trace", "PATH": "/usr/bin:/bin",
        ]
        let exchangeSettings = [
            "UPBIT_WEBSOCKET_URL": exchange.webSocketURL, "UPBIT_CA_FILE": authority.authorityPath,
            "UPBIT_MARKETS_URL": "\(exchange.restURL)/v1/market/all", "SPOOL_DIRECTORY": "\(folder)/spool",
        ]
        let databaseSettings = [
            "TIMESCALEDB_HOST": "127.0.0.1", "TIMESCALEDB_PORT": "\(server.port)", "TIMESCALEDB_DBNAME": "coin",
            "TIMESCALEDB_PASSWORD": "another-s3cret", "TIMESCALEDB_SSLMODE": "verify-full",
            "TIMESCALEDB_SSLROOTCERT": authority.authorityPath,
        ]
        let producer = try ChildProcess(
            BuiltProduct.path("producer"), environment: secure.merging(exchangeSettings) { $1 }, folder: folder)
        let consumer = try ChildProcess(
            BuiltProduct.path("consumer"), environment: secure.merging(databaseSettings) { $1 }, folder: folder)
        try await database.wait(for: "SELECT count(*) FROM trade_data", toBe: "500")
        #expect(
            try await database.rows(
                """
                SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                WHERE application_name = 'consumer'
                """) == [["t"]])

        for process in [producer, consumer] {
            process.send(SIGTERM)
            #expect(try await process.exitStatus(within: .seconds(60)) == .code(0))
            try await process.errors.closed(within: .seconds(60), "its log")
            let log = process.errors.elements.joined(separator: "\n")
            #expect(log.contains("sasl") || log.contains("SASL"), "librdkafka's part is in the log")
            #expect(!log.contains(login.password) && !log.contains("another-s3cret"))
        }
        await kafka.stop()
        try await server.stop()
        await exchange.stop()
        try FileManager.default.removeItem(atPath: folder)
    }
}
