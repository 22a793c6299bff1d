import Foundation

/// A Kafka of this process, for what librdkafka's mock cluster cannot do: add partitions to a topic, and keep more
/// than 5 MiB of one.
package final class MemoryKafka: Sendable {
    /// For `bootstrap.servers`.
    package let servers: String
    private let broker: MemoryBroker
    private let server: BrokerServer

    /// - Parameter topics: their names, and how many partitions they have.
    package init(topics: [String: Int]) throws {
        let server = try BrokerServer()
        let broker = MemoryBroker(port: server.port, keptBytes: 256 << 20)
        for (name, partitions) in topics { broker.createTopic(name, partitions: partitions) }
        Thread.detachNewThread { server.run(broker) }
        servers = "127.0.0.1:\(server.port)"
        (self.server, self.broker) = (server, broker)
    }

    deinit { server.stop() }

    /// Gives a topic more partitions, so that it has `count`.
    package func addPartitions(to topic: String, count: Int) { broker.addPartitions(to: topic, count: count) }
}
