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

            It does what the lines of standard input say: 'down 2' and 'up 2' a broker (-1 is all), 'lead 7 3' \
            makes broker 3 the leader of partition 7, 'delay 50' adds 50 ms to every answer.
            """)

    @Option(help: "A topic to create.") var topic = "upbit_ticker"
    @Option(help: "Its partitions.") var partitions = 48
    @Option(help: "How many brokers share them.") var brokers = 1
    @Option(help: "A consumer group that one broker more coordinates, which 'down -1' leaves alone.")
    var group: String?

    func run() async throws {
        let cluster = try MockCluster(brokers: brokers, coordinating: group)
        try cluster.createTopic(topic, partitions: partitions)
        print(cluster.bootstrapServers)
        fflush(nil)
        while let line = readLine() {
            guard let command = MockCommand(line) else { throw ValidationError("'\(line)' is no command") }
            cluster.perform(command, topic: topic)
        }
        // Whoever started this ends it; the process has nothing to save.
        try await Task.sleep(for: .seconds(86_400 * 365))
        withExtendedLifetime(cluster) {}
    }
}
