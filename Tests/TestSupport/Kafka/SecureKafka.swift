import Foundation

/// A Kafka that is reached by TLS alone: a ``MemoryBroker`` of this process behind a proxy that ends the TLS.
///
/// ```
/// client ──TLS──▶ FaultProxy ──▶ BrokerServer ──▶ MemoryBroker, which names the proxy's port as its own
/// ```
package struct SecureKafka: Sendable {
    package let servers: String
    private let proxy: FaultProxy
    private let server: BrokerServer

    /// - Parameters:
    ///   - topics: the names of topics and how many partitions they have.
    ///   - login: what clients have to say of themselves (SASL PLAIN); nil when nothing is asked.
    package static func start(
        _ certificate: TestAuthority.Certificate, topics: [String: Int], login: SASLPlain.Login? = nil
    ) async throws -> SecureKafka {
        let server = try BrokerServer()
        let proxy = try await FaultProxy.start(to: server.port, certificate: certificate)
        let broker = MemoryBroker(port: proxy.port, keptBytes: 64 << 20)
        for (name, partitions) in topics { broker.createTopic(name, partitions: partitions) }
        Thread.detachNewThread { server.run(broker, login: login) }
        return SecureKafka(servers: "127.0.0.1:\(proxy.port)", proxy: proxy, server: server)
    }

    package func stop() async {
        server.stop()
        await proxy.stop()
    }
}
