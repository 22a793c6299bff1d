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
            _ = try KafkaProducer(topic: "t", properties: [("retries", "0")])
        }
        #expect(error?.property == "" && error?.description.contains("retries") == true, "\(error.debugDescription)")
    }

    @Test("A property given by the user wins over the default here")
    func precedence() throws {
        _ = try KafkaProducer(topic: "t", properties: [("linger.ms", "20"), ("queue.buffering.max.messages", "10")])
    }

    @Test("Larger messages go with the defaults, too")
    func largeMessages() throws {
        _ = try KafkaConsumer(group: "g", properties: [("message.max.bytes", "20000000")])
    }

    @Test(
        "What the guarantee rests on cannot be switched off, under no name, and may be said",
        arguments: [
            ("acks", "1"), ("request.required.acks", "0"), ("enable.idempotence", "false"),
            ("message.timeout.ms", "300000"), ("delivery.timeout.ms", "300000"), ("max.in.flight", "5"),
            ("max.in.flight.requests.per.connection", "2"), ("auto.offset.reset", "earliest"),
            ("enable.auto.commit", "true"), ("partition.assignment.strategy", "cooperative-sticky"),
            ("delivery.report.only.error", "true"), ("enable.gapless.guarantee", "false"),
            ("enable.auto.offset.store", "true"), ("enable.partition.eof", "false"),
        ])
    func fixed(_ name: String, _ value: String) throws {
        let isConsumers = ["auto.", "enable.auto", "enable.part", "partition."].contains { name.hasPrefix($0) }
        let error = #expect(throws: KafkaConfigurationError.self) {
            if isConsumers {
                _ = try KafkaConsumer(group: "g", properties: [(name, value)])
            } else {
                _ = try KafkaProducer(topic: "t", properties: [(name, value)])
            }
        }
        #expect(error?.description.contains("must stay") == true)
        _ = try KafkaProducer(topic: "t", properties: [("acks", "all")])
    }

    @Test("A producer with a transactional id could send nothing, and is refused in one line")
    func transactions() throws {
        let properties = [(name: "transactional.id", value: "x")]
        let errors = [
            #expect(throws: KafkaConfigurationError.self) { _ = try KafkaProducer(topic: "t", properties: properties) },
            #expect(throws: KafkaConfigurationError.self) { _ = try KafkaProbe.producer(properties: properties) },
        ]
        for error in errors {
            #expect(error?.property == "transactional.id" && error?.description.contains("cannot be set") == true)
        }
    }

    @Test("What would let records overtake each other is refused by librdkafka itself")
    func order() throws {
        let error = #expect(throws: KafkaConfigurationError.self) {
            _ = try KafkaProducer(topic: "t", properties: [("queuing.strategy", "lifo")])
        }
        #expect(error?.description.contains("queuing.strategy") == true, "\(error.debugDescription)")
    }

    @Test("A name that no topic can have is refused")
    func topic() {
        let name = String(repeating: "x", count: 1_000)
        let error = #expect(throws: KafkaConfigurationError.self) { _ = try KafkaProducer(topic: name, properties: []) }
        #expect(error?.property == "topic")
    }
}
