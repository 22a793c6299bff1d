import TestSupport
import Testing

@testable import Loader

@Suite("The consumer's own tables", .timeLimit(.minutes(5)))
struct ConsumerTablesTests {
    @Test("What the consumer writes is what the loader reads: being caught up closes an hour, and gaps are known")
    func contract() async throws {
        try await LoadRig.with { rig in
            let broker = try await Broker.start(partitions: 2, environment: [:])
            rig.variables["KAFKA_TOPIC"] = broker.topic
            let kafka = ["KAFKA_SERVERS": broker.servers, "KAFKA_GROUP_ID": broker.topic]
            let consumer = try ChildProcess(
                BuiltProduct.path("consumer"), [], environment: rig.variables.merging(kafka) { $1 })
            defer { consumer.kill() }
            // It has nothing to write: that it is caught up is all that it can say.
            try await DatabaseProbe(rig.source).wait(
                for: "SELECT count(*) FROM kafka_offsets WHERE topic = '\(broker.topic)' AND caught_up_at IS NOT NULL",
                toBe: "2")

            let hour = LoadRig.hour
            try await rig.addTrades(10)
            try await rig.execute(
                "INSERT INTO gaps VALUES ('a', '2026-01-01T05:00:00Z', '2026-01-01T05:00:07Z', 'stall')")
            try await rig.catchUp(hour..<hour.next)
            #expect(
                try await rig.query("SELECT provisional, gap_seconds, incomplete_markets FROM warehouse_loads")
                    == ["f|7|0"])
            try broker.stop()
        }
    }
}
