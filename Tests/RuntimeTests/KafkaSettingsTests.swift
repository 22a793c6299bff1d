import TestSupport
import Testing

@testable import Runtime

@Suite("Kafka's settings")
struct KafkaSettingsTests {
    private func properties(_ variables: [String: String], file: [String: String] = [:]) throws -> [String] {
        try KafkaSettings.properties(in: Environment(variables, file: file)).map { "\($0.name)=\($0.value)" }
    }

    @Test("Without any, the broker is on this machine and nothing is passed through")
    func defaults() throws {
        #expect(try properties([:]) == ["bootstrap.servers=localhost:9092"])
    }

    @Test("A variable with points is a property of that name, a KAFKA_ one its name with points")
    func names() throws {
        let given = try properties(
            [
                "KAFKA_SERVERS": "a:1,b:2", "KAFKA_SASL_USERNAME": "me", "KAFKA_QUEUE_BUFFERING_MAX_MS": "5",
                "KAFKA_GROUP_INSTANCE_ID": "one",
            ], file: ["compression.type": "zstd"])
        #expect(
            given == [
                "bootstrap.servers=a:1,b:2", "group.instance.id=one", "queue.buffering.max.ms=5",
                "sasl.username=me", "compression.type=zstd",
            ])
    }

    @Test("Our own settings, empty ones and other programs' are not passed through")
    func others() throws {
        let given = try properties([
            "KAFKA_TOPIC": "t", "KAFKA_GROUP_ID": "g", "KAFKA_SERVERS": "a:1", "KAFKA_LINGER_MS": "", "HOME": "/",
            "Some.Program": "x", "TIMESCALEDB_HOST": "h",
        ])
        #expect(given == ["bootstrap.servers=a:1"])
    }

    @Test("What Kubernetes sets beside a service called kafka is not passed through")
    func kubernetes() throws {
        let given = try properties([
            "KAFKA_SERVICE_HOST": "10.0.0.1", "KAFKA_SERVICE_PORT": "9092", "KAFKA_SERVICE_PORT_CLIENT": "9092",
            "KAFKA_PORT": "tcp://10.0.0.1:9092", "KAFKA_PORT_9092_TCP": "tcp://10.0.0.1:9092",
            "KAFKA_PORT_9092_TCP_PROTO": "tcp", "KAFKA_PORT_9092_TCP_ADDR": "10.0.0.1",
        ])
        #expect(given == ["bootstrap.servers=localhost:9092"])
    }

    @Test("Any property can come from a file, and from systemd's credentials")
    func files() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("s3cret\n", to: "password")
        #expect(
            try properties(["KAFKA_SASL_PASSWORD_FILE": path])
                == ["bootstrap.servers=localhost:9092", "sasl.password=s3cret"])
        _ = try folder.write("s3cret\n", to: "KAFKA_SASL_PASSWORD")
        _ = try folder.write("s3cret\n", to: "TIMESCALEDB_PASSWORD")
        #expect(
            try properties(["CREDENTIALS_DIRECTORY": folder.path])
                == ["bootstrap.servers=localhost:9092", "sasl.password=s3cret"])
    }

    @Test("What librdkafka refuses is told by the variable that it came from")
    func refusal() throws {
        let given = try KafkaSettings.properties(in: Environment(["KAFKA_LINGER_MS": "x"]))
        #expect(
            configurationError("linger.ms", "Invalid value", given).description
                == "KAFKA_LINGER_MS: librdkafka refuses it: Invalid value")
        #expect(
            configurationError("acks", "Invalid value", given).description
                == "acks: librdkafka refuses it: Invalid value")
    }

    @Test("A refusal of several properties together says so")
    func combination() throws {
        #expect(
            configurationError("", "`acks` must be set to `all`", []).description
                == "Kafka: librdkafka refuses the settings: `acks` must be set to `all`")
    }

    @Test(
        "A topic has a name that Kafka takes",
        arguments: ["a b", "a/b", "ü", "a\"", String(repeating: "a", count: 241)])
    func topicName(_ name: String) {
        #expect(throws: ConfigurationError.self) {
            try KafkaSettings.topic.value(in: Environment(["KAFKA_TOPIC": name]))
        }
    }
}
