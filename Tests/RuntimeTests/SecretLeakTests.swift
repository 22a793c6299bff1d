import Foundation
import TestSupport
import Testing

@Suite("No secret is told", .timeLimit(.minutes(3)))
struct SecretLeakTests {
    private static let limit = Duration.seconds(60)
    private let login = SASLPlain.Login(user: "ticker", password: "kafka-s3cret-and-long")
    private let databasePassword = "database-s3cret-and-long"
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// All that somebody could read of a service who may not read its environment.
    private struct Told {
        var text = ""

        mutating func add(_ lines: [String]) { text += lines.joined(separator: "\n") + "\n" }

        /// What the kernel shows of a process to everybody, as `ps` does.
        mutating func add(commandLineOf process: ChildProcess) throws {
            let bytes = try Data(contentsOf: URL(filePath: "/proc/\(process.processID)/cmdline"))
            text += String(decoding: bytes, as: UTF8.self).replacing("\0", with: " ") + "\n"
        }

        func expectNone(of secrets: [String], sourceLocation: SourceLocation = #_sourceLocation) {
            for secret in secrets {
                #expect(!secret.isEmpty && !text.contains(secret), sourceLocation: sourceLocation)
            }
        }
    }

    /// --print-config and check, with the right secrets and with malformed settings beside them.
    private func askings(_ service: String, _ environment: [String: String]) async throws -> Told {
        var told = Told()
        let wrong = environment.merging(["KAFKA_TOPIC": "a b", "LOG_LEVEL": "loud"]) { $1 }
        for (arguments, environment) in [
            (["--print-config"], environment), (["--print-config"], wrong), (["check"], environment),
            (["check"], wrong),
            ([], wrong),
        ] {
            let run = try await FinishedProcess.run(service, arguments, environment: environment)
            #expect(!run.output.isEmpty || !run.errors.isEmpty)
            told.add(run.output + run.errors)
        }
        return told
    }

    /// Runs a service until it says `word`, and stops it.
    private func running(
        _ service: String, _ environment: [String: String], _ arguments: [String] = [], until word: String
    ) async throws -> Told {
        var told = Told()
        let admin = try AdminPort()
        let environment = environment.merging(admin.settings) { $1 }
        let process = try ChildProcess(
            BuiltProduct.path(service), arguments, environment: environment, folder: folder.path)
        defer { process.kill() }
        try await process.errorLine(containing: word, within: Self.limit)
        try told.add(commandLineOf: process)
        for path in ["/metrics", "/healthz", "/readyz"] {
            let answer = try await admin.ask(path)
            #expect(!answer.body.isEmpty)
            told.add([answer.body])
        }
        process.send(SIGTERM)
        _ = try await process.exitStatus(within: Self.limit)
        try await process.errors.closed(within: Self.limit, "the log of \(service)")
        told.add(process.output.elements + process.errors.elements)
        return told
    }

    private func kafkaSettings(_ kafka: SecureKafka, _ authority: TestAuthority) -> [String: String] {
        [
            "KAFKA_SERVERS": kafka.servers, "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SSL_CA_LOCATION": authority.authorityPath, "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": login.user, "KAFKA_SASL_PASSWORD": login.password,
            // All that librdkafka has to tell.
            "KAFKA_DEBUG": "all", "LOG_LEVEL": "trace", "ADMIN_PORT": "0", "PATH": "/usr/bin:/bin",
        ]
    }

    @Test("The producer: not Kafka's password, right or wrong, at trace level with all that librdkafka tells")
    func producer() async throws {
        let authority = try TestAuthority()
        let kafka = try await SecureKafka.start(
            authority.server(), topics: ["upbit_ticker": 1, "upbit_ticker.gaps": 1], login: login)
        let exchange = try await exchange(authority)
        let environment = kafkaSettings(kafka, authority).merging(settings(of: exchange, authority)) { $1 }
        var told = try await askings("producer", environment)
        told.add([try await running("producer", environment, until: "receiving").text])
        await exchange.stop()

        let other = try await self.exchange(authority)
        let wrong = environment.merging(settings(of: other, authority)) { $1 }
            .merging(["KAFKA_SASL_PASSWORD": "wrong-s3cret-and-long", "KAFKA_DEBUG": ""]) { $1 }
        let refused = try await FinishedProcess.run("producer", ["check"], environment: wrong)
        #expect(
            refused.exit == .code(78) && refused.line("FAILED  Kafka: ")?.contains("KAFKA_SASL_") == true, "\(refused)")
        told.add(refused.output + refused.errors)
        told.add([try await running("producer", wrong, until: "uthentication").text])
        #expect(told.text.contains("KAFKA_SASL_PASSWORD=********") && told.text.contains("sasl.password"))
        told.expectNone(of: [login.password, "wrong-s3cret-and-long"])
        await kafka.stop()
        await other.stop()
    }

    private func exchange(_ authority: TestAuthority) async throws -> ExchangeServer {
        try await ExchangeServer.start(
            session: .seeded(frameCount: 10), playback: Playback(),
            settings: ExchangeSettings(certificate: try authority.server()))
    }

    private func settings(of exchange: ExchangeServer, _ authority: TestAuthority) -> [String: String] {
        [
            "UPBIT_WEBSOCKET_URL": exchange.webSocketURL, "UPBIT_CA_FILE": authority.authorityPath,
            "UPBIT_MARKETS_URL": "\(exchange.restURL)/v1/market/all", "SPOOL_DIRECTORY": "\(folder.path)/spool",
        ]
    }

    @Test("The consumer: not the database's password either")
    func consumer() async throws {
        let authority = try TestAuthority()
        let kafka = try await SecureKafka.start(
            authority.server(), topics: ["upbit_ticker": 1, "upbit_ticker.gaps": 1], login: login)
        let database = try await database(extension: true)
        let password = try folder.write("\(databasePassword)\n", to: "password")
        let environment = kafkaSettings(kafka, authority).merging(database) { $1 }
            .merging(["TIMESCALEDB_PASSWORD_FILE": password]) { $1 }
        var told = try await askings("consumer", environment)
        told.add([try await running("consumer", environment, until: "connected to the database").text])
        let nowhere = environment.merging(["TIMESCALEDB_PORT": "\(try freePort())"]) { $1 }
        told.add([try await running("consumer", nowhere, until: "the database is away").text])
        #expect(told.text.contains("TIMESCALEDB_PASSWORD=********  # file \(password)"))
        told.expectNone(of: [login.password, databasePassword])
        await kafka.stop()
    }

    @Test("The loader: not its key, its token, or the database's password")
    func loader() async throws {
        let server = try await TimescaleServer.shared
        var options = FakeBigQuery.Options()
        options.authentication = true
        let warehouse = try await server.createDatabase(
            "warehouse-\(UUID().uuidString.lowercased())", extension: false)
        let fake = try await FakeBigQuery(database: warehouse, options: options)
        let source = try await database(extension: false)
        try await DatabaseProbe(server.configuration(database: source["TIMESCALEDB_DBNAME"] ?? "")).execute(
            """
            CREATE TABLE trade_data (time timestamptz NOT NULL, code text NOT NULL, trade_price numeric,
                trade_volume numeric);
            INSERT INTO trade_data VALUES (now() - interval '1 hour', 'BTC', 1, 1)
            """)
        var secrets = [databasePassword]
        var told = Told()
        for (name, write) in [
            ("service", fake.writeServiceAccount(to:)), ("user", fake.writeAuthorizedUser(to:)),
        ] {
            let path = "\(folder.path)/\(name).json"
            try write(path)
            secrets += try self.secrets(inKeyFile: path)
            let environment = source.merging([
                "TIMESCALEDB_PASSWORD": databasePassword, "BIGQUERY_ENDPOINT": "http://\(fake.host)",
                "BIGQUERY_PROJECT": fake.projectID, "GOOGLE_APPLICATION_CREDENTIALS": path, "LOG_LEVEL": "trace",
                "HOME": "/nonexistent", "ADMIN_PORT": "0",
            ]) { $1 }
            told.add([try await askings("loader", environment).text])
            told.add([
                try await running("loader", environment, ["--schedule"], until: "waiting for the next hour").text
            ])
            fake.inject(.unavailable, on: .token)
            told.add(try await FinishedProcess.run("loader", ["check"], environment: environment).output)
        }
        secrets += fake.exchanges.elements.compactMap { exchange in
            exchange.headers.first { $0.key.lowercased() == "authorization" }?.value.split(separator: " ").last.map(
                String.init)
        }
        #expect(secrets.count > 5 && told.text.contains("service account "))
        told.expectNone(of: secrets)
        try await fake.stop()
    }

    private func database(extension: Bool) async throws -> [String: String] {
        let server = try await TimescaleServer.shared
        let name = "secrets-\(UUID().uuidString.lowercased())"
        try await server.createDatabase(name, extension: `extension`)
        return [
            "TIMESCALEDB_HOST": "127.0.0.1", "TIMESCALEDB_PORT": "\(server.port)", "TIMESCALEDB_DBNAME": name,
            "PATH": "/usr/bin:/bin",
        ]
    }

    /// What nobody may see of a key: the secret's lines, one by one, since a log might have it cut up.
    private func secrets(inKeyFile path: String) throws -> [String] {
        let file = try JSONDecoder().decode([String: String].self, from: Data(contentsOf: URL(filePath: path)))
        let key = file["private_key"].map { $0.split(separator: "\n").filter { !$0.hasPrefix("-----") } } ?? []
        return key.map(String.init).filter { $0.count > 20 }
            + [file["client_secret"], file["refresh_token"]].compactMap(\.self)
    }
}
