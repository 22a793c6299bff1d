import Foundation
import Kafka
import TestSupport
import Testing

@Suite("A member of a group", .timeLimit(.minutes(5)))
struct GroupTests {
    private func cluster() throws -> MockCluster {
        let cluster = try MockCluster()
        try cluster.createTopic("t", partitions: 4)
        return cluster
    }

    @Test("Two share the partitions; when one leaves, the other has them all before a session times out")
    func rebalance() async throws {
        let cluster = try cluster()
        let session = [("session.timeout.ms", "12000")]
        let first = try Member("t", group: "g", cluster, session)
        #expect(try await first.assignment(of: 4) == [0, 1, 2, 3])
        let before = first.events.count
        let second = try Member("t", group: "g", cluster, session)
        let shares = (try await first.assignment(of: 2, after: before), try await second.assignment(of: 2))
        #expect(shares.0.union(shares.1) == [0, 1, 2, 3])
        let isRevoked = first.events.elements.contains {
            if case .revoked(let partitions) = $0 { Set(partitions.map(\.partition)) == [0, 1, 2, 3] } else { false }
        }
        #expect(isRevoked)

        let after = first.events.count
        let start = ContinuousClock.now
        try await second.stop()
        #expect(try await first.assignment(of: 4, after: after) == [0, 1, 2, 3])
        // The mock cluster shares out again a session less 1 s after a member left. One that did not say so
        // would be missed only after its session, and those 11 s come on top.
        #expect(ContinuousClock.now - start < .seconds(22))
        try await first.stop()
    }

    @Test("It reads what it was given")
    func reads() async throws {
        let cluster = try cluster()
        try await blocking { try write(0..<5, to: "t", cluster) }
        let member = try Member("t", group: "g", cluster)
        _ = try await member.events.first(within: .seconds(60), "the last record") {
            if case .record(_, 4, "4") = $0 { true } else { false }
        }
        try await member.stop()
    }

    @Test("One that polls stays, although nothing comes for longer than max.poll.interval.ms")
    func idle() async throws {
        let cluster = try cluster()
        let member = try Member(
            "t", group: "g", cluster, [("session.timeout.ms", "8000"), ("max.poll.interval.ms", "8000")])
        _ = try await member.assignment(of: 4)
        let position = member.events.count
        // Nothing but time is what could throw it out.
        try await Task.sleep(for: .seconds(10))
        let since = member.events.elements[position...].filter {
            switch $0 {
            case .log, .end: false
            default: true
            }
        }
        #expect(since.isEmpty, "\(since)")
        // It is still a member, and reads.
        try await blocking { try write(0..<1, to: "t", cluster) }
        _ = try await member.events.first(after: position, within: .seconds(60), "the record") {
            if case .record = $0 { true } else { false }
        }
        try await member.stop()
    }

    @Test("One that does not poll for longer than max.poll.interval.ms is thrown out, and comes back by itself")
    func stuck() async throws {
        let cluster = try cluster()
        let codes = try await blocking {
            let consumer = try KafkaConsumer(
                group: "g",
                properties: [
                    ("bootstrap.servers", cluster.bootstrapServers), ("session.timeout.ms", "4000"),
                    ("max.poll.interval.ms", "4000"), ("heartbeat.interval.ms", "200"),
                ])
            try consumer.subscribe(to: ["t"])
            _ = try consumer.seen { if case .assigned = $0 { true } else { false } }
            try consumer.assign((0..<4).map { (TopicPartition(topic: "t", partition: $0), .beginning) })
            // The work that takes too long.
            Thread.sleep(forTimeInterval: 6)
            let seen = try consumer.seen { if case .revoked = $0 { true } else { false } }
            try consumer.unassign()
            _ = try consumer.seen { if case .assigned = $0 { true } else { false } }
            return seen.compactMap { if case .error(let error, _) = $0 { error.name } else { nil } }
        }
        #expect(codes.contains("_MAX_POLL_EXCEEDED"))
    }

    @Test("It can close while an assignment waits for its answer")
    func closeUnanswered() async throws {
        let cluster = try cluster()
        try await blocking {
            let consumer = try KafkaConsumer(
                group: "g", properties: [("bootstrap.servers", cluster.bootstrapServers)])
            try consumer.subscribe(to: ["t"])
            _ = try consumer.seen { if case .assigned = $0 { true } else { false } }
            let start = ContinuousClock.now
            consumer.close()
            #expect(ContinuousClock.now - start < .seconds(30))
        }
    }

    @Test("It can close before an assignment is looked at, and before there is one", arguments: [0, 4])
    func closeUnseen(_ seconds: Int) async throws {
        let cluster = try cluster()
        let consumer = try KafkaConsumer(
            group: "g", properties: [("bootstrap.servers", cluster.bootstrapServers)])
        try consumer.subscribe(to: ["t"])
        // Long enough for the mock cluster to hand out partitions, which nobody polls for.
        try await Task.sleep(for: .seconds(seconds))
        try await blocking {
            let start = ContinuousClock.now
            consumer.close()
            #expect(ContinuousClock.now - start < .seconds(30))
        }
    }
}
