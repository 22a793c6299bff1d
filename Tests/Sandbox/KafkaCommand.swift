import ArgumentParser
import Glibc
import TestSupport

/// librdkafka's mock cluster in a process of its own, as a broker is.
struct KafkaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kafka",
        abstract: "Serves a mock cluster: prints its bootstrap servers and runs until it is ended.",
        discussion: """
            Each partition keeps 5 MiB and then drops its oldest records: use enough of them. Nothing \
            outlives the process.
            """)

    @Option(help: "A topic to create.") var topic = "upbit_ticker"
    @Option(help: "Its partitions.") var partitions = 48

    func run() async throws {
        let cluster = try MockCluster()
        try cluster.createTopic(topic, partitions: partitions)
        print(cluster.bootstrapServers)
        fflush(nil)
        // Whoever started this ends it; the process has nothing to save.
        try await Task.sleep(for: .seconds(86_400 * 365))
        withExtendedLifetime(cluster) {}
    }
}
