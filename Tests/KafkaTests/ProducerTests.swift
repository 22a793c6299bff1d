import Kafka
import Runtime
import TestSupport
import Testing

@Suite("A producer", .timeLimit(.minutes(5)))
struct ProducerTests {
    private let value = Array("value".utf8)

    private func produce(
        _ producer: KafkaProducer, _ value: [UInt8], tag: UInt64
    ) throws(KafkaError) {
        let outcome = value.withUnsafeBytes { bytes in
            Result { () throws(KafkaError) in
                try producer.produce(.init(key: nil, value: bytes, timestampMilliseconds: 1), tag: tag)
            }
        }
        try outcome.get()
    }

    /// The reports of `count` records by tag: nil for a delivered one, else its error.
    private func reports(_ producer: KafkaProducer, _ count: Int) throws -> [UInt64: KafkaError?] {
        var reports: [UInt64: KafkaError?] = [:]
        let deadline = ContinuousClock.now + .seconds(60)
        while reports.count < count {
            producer.poll(timeoutMilliseconds: 100) { event in
                switch event {
                case .delivered(let tag): reports[tag] = .some(nil)
                case .failed(let tag, let error): reports[tag] = error
                default: break
                }
            }
            if ContinuousClock.now > deadline { throw SetupError("\(reports.count) of \(count) reports came") }
        }
        return reports
    }

    @Test("Every record is reported with its tag, whatever that is")
    func tags() async throws {
        try await blocking {
            let cluster = try MockCluster()
            let producer = try KafkaProducer(
                topic: "t", properties: [("bootstrap.servers", cluster.bootstrapServers)])
            let tags: [UInt64] = [0, 1, 42, .max]
            for tag in tags { try produce(producer, value, tag: tag) }
            let reports = try reports(producer, tags.count)
            #expect(Set(reports.keys) == Set(tags) && reports.values.allSatisfy { $0 == nil })
            #expect(producer.queueLength == 0)
        }
    }

    @Test("A full queue takes nothing and says so; once there is room it takes again")
    func queueFull() async throws {
        try await blocking {
            let cluster = try MockCluster()
            cluster.setDown()
            let producer = try KafkaProducer(
                topic: "t",
                properties: [
                    ("bootstrap.servers", cluster.bootstrapServers), ("queue.buffering.max.messages", "2"),
                    ("reconnect.backoff.max.ms", "200"),
                ])
            for tag in 1...2 { try produce(producer, value, tag: UInt64(tag)) }
            let error = #expect(throws: KafkaError.self) { try produce(producer, value, tag: 3) }
            #expect(error?.code == .queueFull && error?.isFatal == false)
            cluster.setUp()
            #expect(try Set(reports(producer, 2).keys) == [1, 2])
            try produce(producer, value, tag: 3)
            #expect(try Set(reports(producer, 1).keys) == [3])
        }
    }

    @Test("A record that is too large is refused with its code, and the next one is taken")
    func tooLarge() async throws {
        try await blocking {
            let cluster = try MockCluster()
            let producer = try KafkaProducer(
                topic: "t",
                properties: [("bootstrap.servers", cluster.bootstrapServers), ("message.max.bytes", "2000")])
            let error = #expect(throws: KafkaError.self) {
                try produce(producer, [UInt8](repeating: 1, count: 3_000), tag: 1)
            }
            #expect(error?.code == .messageTooLarge && error?.isFatal == false && error?.name == "MSG_SIZE_TOO_LARGE")
            try produce(producer, value, tag: 2)
            #expect(try Set(reports(producer, 1).keys) == [2])
        }
    }

    @Test("Brokers that go away are told as events; what waited is delivered in order when they come back")
    func outage() async throws {
        try await blocking {
            let cluster = try MockCluster()
            try cluster.createTopic("t", partitions: 1)
            let producer = try KafkaProducer(
                topic: "t",
                properties: [
                    ("bootstrap.servers", cluster.bootstrapServers), ("reconnect.backoff.ms", "20"),
                    ("reconnect.backoff.max.ms", "200"),
                ])
            try produce(producer, Array("0".utf8), tag: 0)
            _ = try reports(producer, 1)
            cluster.setDown()
            for tag in 1...100 { try produce(producer, Array("\(tag)".utf8), tag: UInt64(tag)) }
            var isTold = false
            let deadline = ContinuousClock.now + .seconds(60)
            while !isTold, ContinuousClock.now < deadline {
                producer.poll(timeoutMilliseconds: 100) { event in
                    if case .error(let error) = event, error.code == .allBrokersDown { isTold = !error.isFatal }
                }
            }
            #expect(isTold && producer.queueLength >= 100)
            cluster.setUp()
            #expect(try reports(producer, 100).values.allSatisfy { $0 == nil })
            let values = try TopicReader.records("t", partitions: 1, servers: cluster.bootstrapServers)
                .map { String(decoding: $0.value ?? [], as: UTF8.self) }
            #expect(values == (0...100).map { "\($0)" })
        }
    }

    @Test("What waits for a batch to fill is sent at once by a flush, which returns when it is delivered")
    func flush() async throws {
        let cluster = try MockCluster()
        let producer = try KafkaProducer(
            topic: "t", properties: [("bootstrap.servers", cluster.bootstrapServers), ("linger.ms", "600000")])
        try produce(producer, value, tag: 1)
        async let isDelivered = DedicatedThread(name: "reports").run {
            var isDelivered = false
            while !isDelivered,
                producer.poll(
                    timeoutMilliseconds: 60_000,
                    { event in
                        if case .delivered = event { isDelivered = true }
                    })
            {}
            return isDelivered
        }
        try await DedicatedThread(name: "flush").run { producer.flush(timeoutMilliseconds: 60_000) }
        #expect(producer.queueLength == 0)
        #expect(try await isDelivered)
    }

    @Test("wake() ends a poll, also one that begins after it")
    func wake() async throws {
        try await blocking {
            let producer = try KafkaProducer(topic: "t", properties: [])
            // What it has to say about itself first.
            while producer.poll(timeoutMilliseconds: 500, { _ in }) {}
            producer.wake()
            let start = ContinuousClock.now
            #expect(!producer.poll(timeoutMilliseconds: 120_000) { _ in })
            #expect(ContinuousClock.now - start < .seconds(60))
        }
    }
}
