import TestSupport
import Testing

@Suite("Records that a producer sends again")
struct RepeatTests {
    @Test(
        "They are dropped and counted, by the consumer that saw them and by the one after it", .timeLimit(.minutes(5)))
    func restartedProducer() async throws {
        let bench = try await ConsumerBench()
        try bench.write(0..<1_000, from: "p")
        let first = try bench.startConsumer(["KAFKA_GROUP_ID": "first"])
        try await bench.waitUntilWritten(1_000)
        // The producer was killed and is not sure of its last hundred.
        try bench.write(900..<1_200, from: "p")
        try await bench.waitUntilWritten(1_300)
        try await bench.expectEveryFrameOnce(1_200, repeats: 100)
        first.kill()
        try bench.write(1_100..<1_500, from: "p")
        let second = try bench.startConsumer(["KAFKA_GROUP_ID": "second"])
        try await bench.waitUntilWritten(1_700)
        try await bench.expectEveryFrameOnce(1_500, repeats: 200)
        try await expectCleanStop(second)
    }

    @Test("Two producers' records are told apart, also when they come by turns", .timeLimit(.minutes(5)))
    func twoProducers() async throws {
        let bench = try await ConsumerBench()
        let consumer = try bench.startConsumer()
        for start in stride(from: 0, to: 1_000, by: 20) {
            try bench.write(stride(from: start, to: start + 20, by: 2), from: "even")
            try bench.write(stride(from: start + 1, to: start + 20, by: 2), from: "odd")
            // Each is not sure of its last three.
            try bench.write(stride(from: start + 14, to: start + 20, by: 2), from: "even")
            try bench.write(stride(from: start + 15, to: start + 20, by: 2), from: "odd")
        }
        try await bench.waitUntilWritten(1_300)
        try await bench.expectEveryFrameOnce(1_000, repeats: 300)
        try await expectCleanStop(consumer)
    }

    @Test("Records without a producer are never dropped", .timeLimit(.minutes(5)))
    func anonymous() async throws {
        let bench = try await ConsumerBench()
        let frame = Array(ConsumerBench.frame(1).utf8)
        for _ in 0..<3 { try bench.writer.write(key: "KRW-BTC", value: frame) }
        for _ in 0..<3 {
            try bench.writer.write(key: "KRW-BTC", value: frame, headers: [("producer", "p"), ("seq", "1")])
        }
        try bench.writer.flush()
        let consumer = try bench.startConsumer()
        try await bench.waitUntilWritten(6)
        #expect(try await bench.summary() == "6, 1, 1, 1")
        try await expectCleanStop(consumer)
    }

    @Test("The row in the database names the producers and their last numbers", .timeLimit(.minutes(5)))
    func row() async throws {
        let bench = try await ConsumerBench(partitions: 1)
        try bench.write(0..<5, from: "first-0123456789abcdef")
        try bench.write(0..<3, from: "second-0123456789abcdef")
        try bench.write(4..<7, from: "first-0123456789abcdef")
        let consumer = try bench.startConsumer()
        try await bench.waitUntilWritten(11)
        let row = try await bench.database.rows(
            "SELECT producers::text, repeats_dropped FROM kafka_offsets WHERE topic = 'upbit_ticker'")
        #expect(row == [[#"[["second-0123456789abcdef", 3], ["first-0123456789abcdef", 7]]"#, "1"]])
        try await expectCleanStop(consumer)
    }
}
