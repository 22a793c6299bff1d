import Foundation

/// The pipeline's Kafka: a mock cluster of our own, or whatever runs at `KAFKA_SERVERS`.
package struct Broker: Sendable {
    package let servers: String
    package let topic: String
    package let partitions: Int
    /// For people.
    package let name: String
    /// Our own cluster; nil when somebody else runs the broker.
    package let mock: ChildProcess?
    /// True for a topic that we made up on somebody else's broker.
    private let isTopicOurs: Bool

    /// The topic of a mock cluster, which is nobody's but ours.
    private static let ownTopic = "upbit_ticker"

    /// - Parameters:
    ///   - partitions: of a topic that has to be created.
    ///   - brokers: of a cluster of our own.
    ///   - environment: `KAFKA_SERVERS` names a running broker (plaintext); `KAFKA_TOPIC` a topic there
    ///     that never had records, and is kept. Unset: one for this run alone.
    package static func start(
        partitions: Int, brokers: Int = 1, environment: [String: String] = [:]
    ) async throws -> Broker {
        guard let servers = environment["KAFKA_SERVERS"], !servers.isEmpty else {
            return try await mockCluster(partitions: partitions, brokers: brokers)
        }
        return try running(servers, topic: environment["KAFKA_TOPIC"], partitions: partitions)
    }

    private static func mockCluster(partitions: Int, brokers: Int) async throws -> Broker {
        var arguments = ["--topic", ownTopic, "--partitions", "\(partitions)", "--brokers", "\(brokers)"]
        // The services' group has the topic's name.
        if brokers > 1 { arguments += ["--group", ownTopic] }
        let mock = try ChildProcess(BuiltProduct.path("sandbox"), ["kafka"] + arguments, takesInput: true)
        let servers = try await mock.output.first(within: .seconds(20), "the mock cluster") { $0.contains(":") }
        return Broker(
            servers: servers, topic: ownTopic, partitions: partitions, name: "a mock cluster", mock: mock,
            isTopicOurs: false)
    }

    private static func running(_ servers: String, topic given: String?, partitions: Int) throws -> Broker {
        let topic = given ?? "sandbox-\(UUID().uuidString.lowercased())"
        let admin = try TopicAdmin(servers: servers)
        let isNew = try admin.create(topic, partitions: partitions)
        let found = isNew ? partitions : try admin.partitions(of: topic)
        if !isNew, try TopicReader.lastOffsets(topic, partitions: found, servers: servers) > 0 {
            throw SetupError("topic \(topic) has had records: choose another KAFKA_TOPIC, or none")
        }
        return Broker(
            servers: servers, topic: topic, partitions: found, name: "the broker at \(servers)", mock: nil,
            isTopicOurs: given == nil)
    }

    /// Tells our own cluster to misbehave; somebody else's is left alone.
    package func perform(_ command: MockCommand) { mock?.write(command.text) }

    /// Throws when our own cluster ends, which it never does by itself; returns when it is cancelled.
    package func watch() async throws {
        guard let mock, let exit = try? await mock.exitStatus(within: .seconds(86_400)) else { return }
        let words = mock.errors.elements
        let reason = words.first { $0.contains("assert") } ?? words.last ?? ""
        throw SetupError("the mock cluster ended with \(exit): \(reason)")
    }

    /// Ends what was started, and removes what was put on somebody else's broker.
    package func stop() throws {
        mock?.kill()
        if isTopicOurs { try TopicAdmin(servers: servers).delete(topic) }
    }
}
