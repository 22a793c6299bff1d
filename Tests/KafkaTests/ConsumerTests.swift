import TestSupport
import Testing

@testable import Kafka

/// Without a group: where reading starts, and what is told.
@Suite("A consumer", .timeLimit(.minutes(5)))
struct ConsumerTests {
    private static let partition = TopicPartition(topic: "t", partition: 0)
    private let partition = Self.partition

    private func consumer(_ cluster: MockCluster, _ properties: [(String, String)] = []) throws -> KafkaConsumer {
        try KafkaConsumer(
            group: "g", properties: [("bootstrap.servers", cluster.bootstrapServers)] + properties)
    }

    private func cluster(records: Int) throws -> MockCluster {
        let cluster = try MockCluster()
        try cluster.createTopic("t", partitions: 1)
        try write(0..<records, to: "t", cluster)
        return cluster
    }

    @Test("It reads from the beginning, or from the offset that it is given")
    func positions() async throws {
        try await blocking {
            let cluster = try cluster(records: 10)
            let consumer = try consumer(cluster)
            try consumer.assign([(partition, .beginning)])
            #expect(try consumer.offsets(10) == Array(0..<10))
            try consumer.assign([(partition, .at(7))])
            #expect(try consumer.offsets(3) == [7, 8, 9])
            #expect(
                try consumer.watermarks(of: partition, timeoutMilliseconds: 10_000) == .init(low: 0, high: 10))
        }
    }

    /// A queue that is full stops librdkafka, which looks again a second later when nobody tells it.
    @Test("What is behind a full queue comes when the queue runs low")
    func fullQueue() async throws {
        try await blocking {
            let cluster = try cluster(records: 0)
            let writer = try TopicWriter("t", servers: cluster.bootstrapServers)
            // Each round is a batch of 200 kB, so the queue is full with every second one.
            for _ in 0..<60 {
                for _ in 0..<2_000 { try writer.write(key: "key", value: [UInt8](repeating: 0, count: 100)) }
                try writer.flush()
            }
            let consumer = try consumer(cluster, [("queued.max.messages.kbytes", "256")])
            try consumer.assign([(partition, .beginning)])
            // It has 20 s; filled once a second, the queue would take 30.
            #expect(try consumer.offsets(120_000) == Array(0..<120_000))
        }
    }

    @Test("The end is told behind the last record, and again when there is a new one")
    func end() async throws {
        try await blocking {
            let cluster = try cluster(records: 3)
            let consumer = try consumer(cluster)
            try consumer.assign([(partition, .beginning)])
            for (count, end) in [(0, 3), (2, 5)] {
                try write(0..<count, to: "t", cluster)
                let seen = try consumer.seen { if case .end(partition, Int64(end)) = $0 { true } else { false } }
                #expect(seen.count { if case .record = $0 { true } else { false } } == (count == 0 ? 3 : count))
            }
        }
    }

    @Test("The ends of partitions on several brokers come in one answer, and without brokers in no time")
    func ends() async throws {
        try await blocking {
            let cluster = try MockCluster(brokers: 3)
            try cluster.createTopic("t", partitions: 8)
            try write(0..<7, to: "t", cluster)
            let consumer = try consumer(cluster)
            let partitions = (0..<8).map { TopicPartition(topic: "t", partition: $0) }
            let ends = try consumer.ends(of: partitions, timeoutMilliseconds: 10_000)
            #expect(ends.count == 8 && ends.values.reduce(0, +) == 7)
            cluster.setDown()
            let start = ContinuousClock.now
            let answer = try? consumer.ends(of: partitions, timeoutMilliseconds: 1_000)
            #expect(answer ?? [:] == [:] && ContinuousClock.now - start < .seconds(30))
        }
    }

    @Test("Partitions begin at their oldest records")
    func beginnings() async throws {
        try await blocking {
            let cluster = try cluster(records: 0)
            let writer = try TopicWriter("t", servers: cluster.bootstrapServers)
            // The mock cluster keeps 5 MiB of a partition. Random bytes, since equal ones are compressed away.
            let value = (0..<900_000).map { _ in UInt8.random(in: .min ... .max) }
            for _ in 0..<8 {
                try writer.write(key: "k", value: value)
                try writer.flush()
            }
            let consumer = try consumer(cluster)
            let beginning = try consumer.beginnings(of: [partition], timeoutMilliseconds: 10_000)[partition]
            let low = try consumer.watermarks(of: partition, timeoutMilliseconds: 10_000).low
            #expect(beginning == low && low > 0)
        }
    }

    @Test("After assigning an earlier offset the first record is that one, whatever was read ahead")
    func noStaleRecords() async throws {
        try await blocking {
            let cluster = try cluster(records: 5_000)
            let consumer = try consumer(cluster, [("fetch.message.max.bytes", "2000")])
            var start: Int64 = 0
            try consumer.assign([(partition, .at(start))])
            for round in 0..<200 {
                // Sometimes in the middle of what was fetched, sometimes while the next fetch is on its way.
                let offsets = try consumer.offsets(1 + round * 7 % 90)
                #expect(offsets == Array(start..<start + Int64(offsets.count)), "round \(round)")
                start = Int64(round % 3 == 0 ? 0 : round)
                if round % 2 == 0 { try consumer.unassign() }
                try consumer.assign([(partition, .at(start))])
            }
        }
    }

    @Test("Positions can change as fast as one likes, until the close")
    func hurry() async throws {
        try await blocking {
            let cluster = try cluster(records: 100)
            for _ in 0..<20 {
                let consumer = try consumer(cluster)
                try consumer.assign([(partition, .beginning)])
                #expect(try consumer.offsets(1) == [0])
                for offset in 1...20 {
                    try consumer.unassign()
                    try consumer.assign([(partition, .at(Int64(offset)))])
                    try consumer.assign([(partition, .at(Int64(offset)))])
                }
                #expect(try consumer.offsets(1) == [20])
                try consumer.assign([(partition, .beginning)])
                consumer.close()
            }
        }
    }

    @Test("An offset that is not there is an error with its partition, not another place to read from")
    func offsetGone() async throws {
        try await blocking {
            let cluster = try cluster(records: 3)
            let consumer = try consumer(cluster)
            try consumer.assign([(partition, .at(1_000))])
            let seen = try consumer.seen { event in
                if case .error(let error, _) = event {
                    error.code == .offsetReset || error.code == .offsetOutOfRange
                } else {
                    false
                }
            }
            guard case .error(_, let place) = seen.last else { return }
            #expect(place == partition)
            #expect(!seen.contains { if case .record = $0 { true } else { false } })
        }
    }

    @Test("Records that the topic has dropped are an error too")
    func dropped() async throws {
        try await blocking {
            let cluster = try MockCluster()
            try cluster.createTopic("t", partitions: 1)
            let writer = try TopicWriter(
                "t", servers: cluster.bootstrapServers, properties: [("compression.type", "none")])
            let value = [UInt8](repeating: 0x61, count: 500_000)
            for _ in 0..<20 { try writer.write(key: nil, value: value) }
            try writer.flush()
            let consumer = try consumer(cluster)
            let marks = try consumer.watermarks(of: partition, timeoutMilliseconds: 10_000)
            #expect(marks.low > 0 && marks.high == 20)
            try consumer.assign([(partition, .at(0))])
            let seen = try consumer.seen { if case .log = $0 { false } else { true } }
            guard case .error(let error, let place) = seen.last else {
                Issue.record("no error but \(seen)")
                return
            }
            #expect(error.code == .offsetReset && place == partition)
        }
    }

    @Test("Brokers that go away are told, and reading goes on where it was when they come back")
    func outage() async throws {
        try await blocking {
            let cluster = try cluster(records: 3)
            let consumer = try consumer(
                cluster, [("reconnect.backoff.ms", "20"), ("reconnect.backoff.max.ms", "200")])
            try consumer.assign([(partition, .beginning)])
            #expect(try consumer.offsets(3) == [0, 1, 2])
            cluster.setDown()
            _ = try consumer.seen {
                if case .error(let error, _) = $0 { error.code == .allBrokersDown && !error.isFatal } else { false }
            }
            cluster.setUp()
            try write(3..<6, to: "t", cluster)
            #expect(try consumer.offsets(3) == [3, 4, 5])
        }
    }

    @Test("What librdkafka logs arrives as an event")
    func logs() async throws {
        try await blocking {
            let cluster = try cluster(records: 1)
            let consumer = try consumer(cluster, [("debug", "consumer")])
            try consumer.assign([(partition, .beginning)])
            let seen = try consumer.seen { if case .log = $0 { true } else { false } }
            guard case .log(let line) = seen.last else { return }
            #expect(line.severity == 7 && !line.facility.isEmpty && !line.message.isEmpty)
        }
    }

    @Test("wake() ends a poll that waits, and one that begins after it")
    func wake() async throws {
        let consumer = try KafkaConsumer(group: "g", properties: [])
        let poll: @Sendable (Int) -> Bool = { limit in
            consumer.poll(timeoutMilliseconds: limit) { (_: KafkaConsumer.Event) throws(Never) in }
        }
        let start = ContinuousClock.now
        // What it has to say about itself first.
        try await blocking { while poll(500) {} }
        consumer.wake()
        #expect(try await !blocking { poll(120_000) })
        async let isEvent = blocking { poll(120_000) }
        consumer.wake()
        #expect(try await !isEvent)
        #expect(ContinuousClock.now - start < .seconds(60))
    }
}
