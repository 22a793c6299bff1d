import Kafka
import TestSupport
import Testing

@Suite("A Kafka behind TLS", .timeLimit(.minutes(5)))
struct TLSTests {
    private let login = SASLPlain.Login(user: "ticker", password: "s3cret-and-long")

    private func properties(
        _ kafka: SecureKafka, _ authority: TestAuthority, password: String? = nil
    ) -> [(name: String, value: String)] {
        let tls = [
            (name: "bootstrap.servers", value: kafka.servers),
            (name: "ssl.ca.location", value: authority.authorityPath),
        ]
        guard let password else { return tls + [(name: "security.protocol", value: "SSL")] }
        return tls + [
            (name: "security.protocol", value: "SASL_SSL"), (name: "sasl.mechanism", value: "PLAIN"),
            (name: "sasl.username", value: login.user), (name: "sasl.password", value: password),
        ]
    }

    private enum Outcome: Equatable {
        case delivered
        case refused(String)
    }

    /// Sends one record, and says whether it was delivered or why not.
    private func send(_ properties: [(name: String, value: String)]) async throws -> Outcome {
        try await blocking {
            let producer = try KafkaProducer(topic: "t", properties: properties)
            defer { producer.purge() }
            let value = Array("value".utf8)
            try value.withUnsafeBytes { bytes in
                try producer.produce(.init(key: nil, value: bytes, timestampMilliseconds: 1), tag: 1)
            }
            let deadline = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < deadline {
                var outcome: Outcome?
                producer.poll(timeoutMilliseconds: 100) { event in
                    switch event {
                    case .delivered: outcome = .delivered
                    case .error(let error) where error.code != .allBrokersDown: outcome = .refused("\(error)")
                    default: break
                    }
                }
                if let outcome { return outcome }
            }
            throw SetupError("neither delivered nor refused")
        }
    }

    @Test("The broker's certificate is verified, and records go there and come back")
    func trusted() async throws {
        let authority = try TestAuthority()
        let kafka = try await SecureKafka.start(authority.server(), topics: ["t": 1])
        #expect(try await send(properties(kafka, authority)) == .delivered)
        let reading = properties(kafka, authority)
        let offsets = try await blocking {
            let consumer = try KafkaConsumer(group: "g", properties: reading)
            defer { consumer.close() }
            try consumer.subscribe(to: ["t"])
            var offset: Int64?
            _ = try consumer.seen {
                if case .assigned(let partitions) = $0 { try? consumer.assign(partitions.map { ($0, .beginning) }) }
                if case .record(_, let found, _) = $0 { offset = found }
                return offset != nil
            }
            return offset
        }
        #expect(offsets == 0)
        await kafka.stop()
    }

    @Test("Name and password are asked for, and wrong ones are refused")
    func login() async throws {
        let authority = try TestAuthority()
        let kafka = try await SecureKafka.start(authority.server(), topics: ["t": 1], login: login)
        #expect(try await send(properties(kafka, authority, password: login.password)) == .delivered)
        guard case .refused(let error) = try await send(properties(kafka, authority, password: "wrong-one")) else {
            Issue.record("a wrong password was taken")
            return
        }
        #expect(error.contains("no such user") && !error.contains("wrong-one"))
        await kafka.stop()
    }

    @Test(
        "Another host's, an expired and an unknown authority's certificate are refused",
        arguments: TestAuthority.Flaw.allCases)
    func refused(_ flaw: TestAuthority.Flaw) async throws {
        let authority = try TestAuthority()
        let kafka = try await SecureKafka.start(authority.server(with: flaw), topics: ["t": 1])
        guard case .refused(let error) = try await send(properties(kafka, authority)) else {
            Issue.record("the certificate was taken")
            return
        }
        #expect(error.contains("certificate verify failed"))
        await kafka.stop()
    }
}
