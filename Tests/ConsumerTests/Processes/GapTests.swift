import Market
import TestSupport
import Testing

@Suite("Gaps")
struct GapTests {
    private static let from: UInt64 = 1_767_225_600_000_001

    @Test("Each is one row, with the latest end that was told; what is none is a dead letter", .timeLimit(.minutes(5)))
    func rows() async throws {
        let bench = try await ConsumerBench()
        try bench.kafka.createTopic(ConsumerBench.gaps, partitions: 2)
        let gaps = [
            Gap(producer: "a", from: Self.from, to: Self.from + 1, reason: .stall),
            Gap(producer: "a", from: Self.from, to: Self.from + 7_999_999, reason: .stall),
            Gap(producer: "b", from: Self.from, to: Self.from, reason: .restart),
            Gap(producer: "a", from: Self.from + 1, to: Self.from + 2, reason: .disconnect),
        ]
        try bench.writeGaps(gaps.map(\.json) + ["{}", gaps[0].json])
        try bench.write(0..<10)
        let consumer = try bench.startConsumer()
        try await bench.waitUntilWritten(10)
        try await bench.waitForGaps(records: 6)
        // Told again, after the batch, with an earlier and with a later end.
        try bench.writeGaps([
            gaps[0].json, Gap(producer: "b", from: Self.from, to: Self.from + 5, reason: .restart).json,
        ])
        try await bench.waitForGaps(records: 8)
        let rows = try await bench.database.rows(
            "SELECT producer, started_at::text, ended_at::text, reason FROM gaps ORDER BY 1, 2")
        #expect(
            rows == [
                ["a", "2026-01-01 00:00:00.000001+00", "2026-01-01 00:00:08+00", "stall"],
                ["a", "2026-01-01 00:00:00.000002+00", "2026-01-01 00:00:00.000003+00", "disconnect"],
                ["b", "2026-01-01 00:00:00.000001+00", "2026-01-01 00:00:00.000006+00", "restart"],
            ])
        #expect(
            try await bench.database.rows("SELECT topic, reason FROM dead_letters") == [
                [ConsumerBench.gaps, "not a gap"]
            ])
        try await bench.expectEveryFrameOnce(10)
        try await expectCleanStop(consumer)
    }

    @Test("Their topic may come later; until then the consumer works and is silent about it", .timeLimit(.minutes(5)))
    func topicAppears() async throws {
        let bench = try await ConsumerBench()
        try bench.kafka.createTopic(ConsumerBench.gaps, partitions: 1)
        bench.kafka.hideTopic(ConsumerBench.gaps)
        let consumer = try bench.startConsumer(["topic.metadata.refresh.interval.ms": "1000"])
        try bench.write(0..<1_000)
        try await bench.waitUntilWritten(1_000)
        bench.kafka.showTopic(ConsumerBench.gaps)
        try bench.writeGaps([Gap(producer: "a", from: Self.from, to: Self.from + 1, reason: .stall).json])
        try bench.write(1_000..<2_000)
        try await bench.waitForGaps(records: 1)
        try await bench.waitUntilWritten(2_000)
        try await bench.expectEveryFrameOnce(2_000)
        try await expectCleanStop(consumer)
        let lines = consumer.errors.elements
        #expect(lines.filter { $0.contains("a topic does not exist yet") }.count == 1)
        #expect(lines.filter { $0.contains(" warning ") || $0.contains(" error ") }.isEmpty)
    }
}
