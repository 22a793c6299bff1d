import TestSupport
import Testing

@Suite struct MockCommandTests {
    @Test(
        "A command survives the way through another process's input",
        arguments: [
            MockCommand.down(broker: nil), .down(broker: 2), .up(broker: nil), .up(broker: 3),
            .lead(partition: 0, broker: 1), .delay(milliseconds: 50),
        ])
    func text(_ command: MockCommand) {
        #expect(MockCommand(command.text) == command)
    }

    @Test("What is no command is none", arguments: ["", "down", "up x", "lead 1", "delay", "kill 1"])
    func refused(_ text: String) {
        #expect(MockCommand(text) == nil)
    }

    @Test("A cluster in its own process goes down and comes up on demand, and then has what was sent")
    func downAndUp() async throws {
        let broker = try await Broker.start(partitions: 1, brokers: 3)
        defer { try? broker.stop() }
        broker.perform(.lead(partition: 0, broker: 2))
        broker.perform(.down(broker: nil))
        let writer = try TopicWriter(
            broker.topic, servers: broker.servers, properties: [("reconnect.backoff.max.ms", "100")])
        try writer.write(key: "KRW-BTC", value: [1])
        broker.perform(.up(broker: nil))
        try writer.flush()
        #expect(try TopicReader.records(broker.topic, partitions: 1, servers: broker.servers).map(\.value) == [[1]])
    }
}
