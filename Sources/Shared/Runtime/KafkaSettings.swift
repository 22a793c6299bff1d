/// The settings of Kafka that the producer and the consumer share.
package enum KafkaSettings {
    package static let servers = Setting.text(
        "KAFKA_SERVERS", default: "localhost:9092", "Brokers to start from, as host:port, with commas between.")
    package static let topic = Setting<String>(
        "KAFKA_TOPIC", default: "upbit_ticker",
        "Topic of the ticker frames. Spans without data are told in the topic of this name with .gaps behind it.",
        expected: "a topic's name: at most 240 letters, digits and characters of '._-'"
    ) { name in
        // Kafka's own rule, less the room for what comes behind.
        (1...240).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
                    || "._-".utf8.contains(byte)
            } ? name : nil
    }
    package static let group = Setting.text(
        "KAFKA_GROUP_ID", default: "default_group",
        "Consumer group. It shares out the partitions; progress is kept in the database, so another name doubles nothing."
    )

    /// What `--help` says of the rest.
    package static let passThrough = SettingDescription(
        name: "KAFKA_<PROPERTY>", defaultText: nil,
        help: "Any librdkafka property: KAFKA_SASL_USERNAME sets sasl.username; in a .env file its own name works too.",
        isSecret: true, expected: "what librdkafka takes", unset: { _ in nil }, mistake: { _ in nil })

    /// A property for librdkafka and the variable that it came from.
    package struct Property: Equatable, Sendable {
        package let name: String
        package let value: String
        package let variable: String
    }

    /// `bootstrap.servers` and every property that passes through, in the order of their variables.
    ///
    /// A variable named with a point is a property under its own name; `KAFKA_SASL_USERNAME` is
    /// `sasl.username`, for shells and units, which allow no points. Whether librdkafka knows the
    /// property is left to librdkafka.
    package static func properties(in environment: Environment) throws(ConfigurationError) -> [Property] {
        var properties = [
            Property(
                name: "bootstrap.servers", value: try servers.value(in: environment), variable: servers.description.name
            )
        ]
        for variable in passedThrough(in: environment) {
            guard let value = try environment.secret(variable) else { continue }
            properties.append(Property(name: propertyName(variable), value: value, variable: variable))
        }
        return properties
    }

    /// The variables that are properties, sorted.
    static func passedThrough(in environment: Environment) -> [String] {
        var variables = Set<String>()
        for name in environment.names.union(environment.credentials) where isPassedThrough(name) {
            variables.insert(name.hasSuffix("_FILE") ? String(name.dropLast(5)) : name)
        }
        return variables.sorted()
    }

    /// Whether a property's value may be a secret. In doubt it is: also a misspelled one must not be shown.
    static func isSecret(_ property: String) -> Bool {
        let harmless = ["sasl.mechanism", "sasl.mechanisms", "sasl.username", "sasl.kerberos.principal"]
        guard !harmless.contains(property), !property.hasSuffix(".location") else { return false }
        let words = ["sasl", "pass", "secret", "token", "key", "pem", "credential", "jaas", "oauth"]
        return words.contains { property.contains($0) }
    }

    private static func isPassedThrough(_ variable: String) -> Bool {
        if variable.contains(".") {
            return variable.allSatisfy { $0.isLowercase || $0 == "." || $0 == "_" || $0.isNumber }
        }
        guard variable.hasPrefix("KAFKA_") else { return false }
        let known = [servers, topic, group].map(\.description.name)
        // Kubernetes sets these in every container beside a service that is called kafka.
        let isInjected = variable.hasPrefix("KAFKA_PORT") || variable.hasPrefix("KAFKA_SERVICE_")
        return !known.contains(variable) && !isInjected
    }

    static func propertyName(_ variable: String) -> String {
        if variable.contains(".") { return variable }
        return variable.dropFirst("KAFKA_".count).lowercased().split(separator: "_").joined(separator: ".")
    }
}
