import Kafka
import TestSupport
import Testing

@Suite("A record", .timeLimit(.minutes(5)))
struct RoundTripTests {
    private struct Copy: Equatable, Sendable {
        var key: [UInt8]?
        var value: [UInt8]?
        var timestamp: Int64?
        var headers: [[UInt8]?]
    }

    /// Sends one record and reads it again.
    private func roundTrip(_ record: Copy) async throws -> Copy? {
        try await blocking {
            let cluster = try MockCluster()
            try cluster.createTopic("t", partitions: 1)
            try send(record, cluster)
            var copy: Copy?
            _ = try TopicReader.readAll("t", partitions: 1, servers: cluster.bootstrapServers) { record in
                #expect(record.topic == "t" && record.partition == 0 && record.offset == 0)
                var headers: [[UInt8]?] = [nil, nil]
                record.forEachHeader { name, value in
                    headers[name.elementsEqual("a".utf8) ? 0 : 1] = value.map { Array($0) }
                }
                copy = Copy(
                    key: record.key.map { Array($0) }, value: record.value.map { Array($0) },
                    timestamp: record.timestampMilliseconds,
                    headers: headers)
            }
            return copy
        }
    }

    private func send(_ record: Copy, _ cluster: MockCluster) throws {
        let producer = try KafkaProducer(
            topic: "t", properties: [("bootstrap.servers", cluster.bootstrapServers)])
        try bytes(record.key) { key in
            try bytes(record.value) { value in
                try bytes(record.headers[0]) { header in
                    try producer.produce(
                        .init(
                            key: key, value: value ?? UnsafeRawBufferPointer(start: nil, count: 0),
                            timestampMilliseconds: record.timestamp ?? 0,
                            headers: header.map { [(name: "a" as StaticString, value: $0)] } ?? []), tag: 1)
                }
            }
        }
        var isDelivered = false
        let deadline = ContinuousClock.now + .seconds(60)
        while !isDelivered, ContinuousClock.now < deadline {
            producer.poll(timeoutMilliseconds: 100) { if case .delivered = $0 { isDelivered = true } }
        }
        #expect(isDelivered)
    }

    private func bytes(_ array: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> Void) rethrows {
        guard let array else { return try body(nil) }
        try array.withUnsafeBytes { try body($0) }
    }

    @Test("Key, value, timestamp and headers arrive byte for byte")
    func all() async throws {
        let all = (UInt8.min...UInt8.max).map(\.self)
        let record = Copy(
            key: [0, 0xFF, 0x80], value: all, timestamp: 1_778_570_091_255, headers: [[0, 1, 0xFE], nil])
        #expect(try await roundTrip(record) == record)
    }

    @Test("Without a key, a value and headers it is without them")
    func nothing() async throws {
        let record = Copy(key: nil, value: nil, timestamp: 1_778_570_091_255, headers: [nil, nil])
        #expect(try await roundTrip(record) == record)
    }

    @Test("An empty value is not a missing one")
    func empty() async throws {
        let record = Copy(key: [1], value: [], timestamp: 1_778_570_091_255, headers: [nil, nil])
        #expect(try await roundTrip(record) == record)
    }

    @Test("A large one arrives whole")
    func large() async throws {
        let value = (0..<900_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let record = Copy(key: [1], value: value, timestamp: 1_778_570_091_255, headers: [nil, nil])
        #expect(try await roundTrip(record) == record)
    }
}
