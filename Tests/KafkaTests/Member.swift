import Kafka
import Runtime
import Synchronization
import TestSupport

/// A member of a group that does what the group says, on a thread of its own, and tells what it saw.
final class Member: Sendable {
    let events = EventLog<Seen>()
    private let consumer: KafkaConsumer
    private let isStopping = Atomic(false)
    private let ended = EventLog<Void>()

    init(_ topic: String, group: String, _ cluster: MockCluster, _ properties: [(String, String)] = []) throws {
        let base = [
            ("bootstrap.servers", cluster.bootstrapServers), ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "200"),
        ]
        consumer = try KafkaConsumer(group: group, properties: base + properties)
        try consumer.subscribe(to: [topic])
        Task.detached { [self] in
            try? await blocking { self.run() }
            ended.append(())
        }
    }

    private func run() {
        while !isStopping.load(ordering: .acquiring) {
            consumer.poll(timeoutMilliseconds: 100) { (event: KafkaConsumer.Event) throws(Never) in
                switch event {
                case .assigned(let partitions): try? consumer.assign(partitions.map { ($0, .beginning) })
                case .revoked: try? consumer.unassign()
                default: break
                }
                events.append(Seen(event))
            }
        }
        consumer.close()
    }

    /// Leaves the group, and returns when it has.
    func stop() async throws {
        isStopping.store(true, ordering: .releasing)
        consumer.wake()
        _ = try await ended.first(within: .seconds(60), "the member's end") { _ in true }
    }

    /// The next assignment of `count` partitions after `position`. Others may come before it: a group
    /// may take two steps.
    func assignment(of count: Int, after position: Int = 0) async throws -> Set<Int32> {
        let event = try await events.first(after: position, within: .seconds(60), "an assignment") {
            if case .assigned(let partitions) = $0 { partitions.count == count } else { false }
        }
        guard case .assigned(let partitions) = event else { return [] }
        return Set(partitions.map(\.partition))
    }
}
