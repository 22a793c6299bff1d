import Kafka
import Testing

@Suite("A refused configuration")
struct ConfigurationTests {
    @Test(
        "It names the property and has librdkafka's words",
        arguments: [
            ("retry.backoff.ms", "soon", #"Invalid value for configuration property "retry.backoff.ms""#),
            ("no.such.thing", "1", #"No such configuration property: "no.such.thing""#),
            ("retry.backoff.ms", "-5", "-5 is outside allowed range"),
            ("acks", "some", "acks"),
        ])
    func property(_ name: String, _ value: String, _ words: String) throws {
        let errors = [
            #expect(throws: KafkaConfigurationError.self) {
                _ = try KafkaProducer(topic: "t", properties: [(name, value)])
            },
            #expect(throws: KafkaConfigurationError.self) {
                _ = try KafkaConsumer(group: "g", properties: [(name, value)])
            },
        ]
        for error in errors {
            let error = try #require(error)
            #expect(error.property == name && error.description.contains(words), "\(error)")
        }
    }

    @Test("Of properties that do not go together it has librdkafka's words")
    func together() throws {
        let error = #expect(throws: KafkaConfigurationError.self) {
            _ = try KafkaProducer(topic: "t", properties: [("acks", "1")])
        }
        #expect(error?.property == "" && error?.description.contains("acks") == true, "\(error.debugDescription)")
    }

    @Test("A property given by the user wins over the default here")
    func precedence() throws {
        _ = try KafkaProducer(topic: "t", properties: [("acks", "1"), ("enable.idempotence", "false")])
    }

    @Test("A name that no topic can have is refused")
    func topic() {
        let name = String(repeating: "x", count: 1_000)
        let error = #expect(throws: KafkaConfigurationError.self) { _ = try KafkaProducer(topic: name, properties: []) }
        #expect(error?.property == "topic")
    }
}
