import Foundation
import Kafka
import TestSupport
import Testing

@Suite("producer check", .timeLimit(.minutes(2)))
struct ProducerCheckTests {
    private func check(
        _ bench: ProducerBench, _ arguments: [String] = [], _ extra: [String: String] = [:]
    ) async throws -> FinishedProcess {
        try await FinishedProcess.run("producer", ["check"] + arguments, environment: bench.environment(extra))
    }

    private func topics(_ kafka: MockCluster) throws -> Set<String> {
        let probe = try KafkaProbe.consumer(properties: [("bootstrap.servers", kafka.bootstrapServers)])
        return Set(try probe.cluster(within: .seconds(30)).partitions.keys)
    }

    @Test("Where everything works it says so, and leaves nothing behind")
    func works() async throws {
        let bench = try await ProducerBench()
        let run = try await check(bench)
        #expect(run.exit == .code(0) && run.errors == [], "\(run)")
        #expect(run.output.allSatisfy { $0.hasPrefix("ok  ") }, "\(run.output)")
        #expect(run.line("ok      exchange markets: ")?.contains(" listed, ") == true)
        #expect(run.line("ok      exchange WebSocket: ")?.hasSuffix(": opens") == true)
        #expect(run.line("ok      Kafka: ")?.hasSuffix(": 1 broker") == true)
        #expect(run.line("ok      Kafka topic: upbit_ticker: 4 partitions") != nil)
        #expect(run.line("ok      spool: \(bench.spool): will be made") != nil)
        #expect(!FileManager.default.fileExists(atPath: bench.spool))
    }

    @Test("Beside a producer that runs it works too, says whose the spool is, and does not disturb")
    func beside() async throws {
        let bench = try await ProducerBench()
        let producer = try bench.startProducer()
        defer { producer.kill() }
        try await bench.waitUntilPublished(1_000)
        let files = try FileManager.default.contentsOfDirectory(atPath: bench.spool).sorted()
        let run = try await check(bench)
        #expect(run.exit == .code(0), "\(run)")
        #expect(run.line("ok      spool: \(bench.spool): writable, in use by process \(producer.processID)") != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.spool).sorted() == files)
        #expect(producer.isRunning)
        producer.send(SIGTERM)
        #expect(try await producer.exitStatus(within: .seconds(30)) == .code(0))
    }

    @Test("A topic that is missing is told, and is not made by asking")
    func missingTopic() async throws {
        let bench = try await ProducerBench()
        let before = try topics(bench.kafka)
        let run = try await check(bench, [], ["KAFKA_TOPIC": "absent"])
        #expect(run.exit == .code(69))
        #expect(run.line("FAILED  Kafka topic: there is no absent, ")?.contains(". Create it, ") == true, "\(run)")
        #expect(try topics(bench.kafka) == before)
    }

    @Test("Brokers that are away are told at once with the reason; a service that waits for them may start")
    func brokersAway() async throws {
        let bench = try await ProducerBench()
        bench.kafka.setDown()
        let run = try await check(bench, ["--timeout", "60"])
        #expect(run.exit == .code(69))
        #expect(run.line("FAILED  Kafka: \(bench.kafka.bootstrapServers): ")?.contains("onnect") == true, "\(run)")
        #expect(run.line("ok      exchange WebSocket: ") != nil)
        #expect(try await check(bench, ["--allow-unavailable"]).exit == .code(0))
    }

    @Test("A broker that does not answer is not waited for beyond the time limit")
    func silentBroker() async throws {
        let bench = try await ProducerBench()
        bench.kafka.setDelay(milliseconds: 600_000)
        let run = try await check(bench, ["--timeout", "2"])
        #expect(run.exit == .code(69))
        #expect(run.line("FAILED  Kafka: ") != nil, "\(run)")
    }

    @Test("An exchange whose certificate is not trusted is told, by both questions")
    func untrusted() async throws {
        let bench = try await ProducerBench()
        let run = try await check(bench, [], ["UPBIT_CA_FILE": ""])
        #expect(run.exit == .code(69))
        #expect(
            run.line("FAILED  exchange markets: ") != nil && run.line("FAILED  exchange WebSocket: ") != nil, "\(run)")
    }

    @Test("Markets that the exchange does not list are told; without any the settings are wrong")
    func markets() async throws {
        let bench = try await ProducerBench()
        let some = try await check(bench, [], ["UPBIT_MARKETS": "KRW-*,KRW-NOSUCH"])
        #expect(some.exit == .code(0))
        #expect(some.line("note    exchange markets: ")?.contains("not listed: KRW-NOSUCH") == true, "\(some)")
        let none = try await check(bench, [], ["UPBIT_MARKETS": "XXX-*"])
        #expect(none.exit == .code(78))
        #expect(none.line("FAILED  exchange markets: ")?.hasSuffix("0 of them wanted. See UPBIT_MARKETS") == true)
    }

    @Test("A place that cannot be a spool is a wrong setting; a disk that is smaller than the spool a note")
    func spool() async throws {
        let bench = try await ProducerBench()
        let folder = try TemporaryFolder()
        let file = try folder.write("x")
        for path in [file, "\(file)/spool"] {
            let run = try await check(bench, [], ["SPOOL_DIRECTORY": path])
            #expect(run.exit == .code(78))
            #expect(run.line("FAILED  spool: SPOOL_DIRECTORY: \(path) is not a folder") != nil, "\(run)")
        }
        let large = try await check(bench, [], ["SPOOL_MAX_BYTES": "1000000GiB"])
        #expect(large.exit == .code(0))
        #expect(large.line("note    spool: ")?.contains("SPOOL_MAX_BYTES is 1024000000 MiB") == true, "\(large)")
    }
}
