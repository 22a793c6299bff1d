import Kafka
import Logging
import Runtime

/// Puts the parts of the consumer together; starts nothing.
func consumerService(_ settings: ConsumerSettings, _ logger: Logger) throws -> ConsumerService {
    ConsumerService(loop: ConsumerLoop(try settings.makeKafka(), settings, logger: logger))
}

extension ConsumerSettings {
    /// A client that has not joined the group yet.
    func makeKafka() throws(ConfigurationError) -> KafkaConsumer {
        do throws(KafkaConfigurationError) {
            // What the user says wins over what comes before it.
            let properties = [(name: "fetch.wait.max.ms", value: "\(fetchWaitMilliseconds)")]
            return try KafkaConsumer(group: group, properties: properties + kafka.map { ($0.name, $0.value) })
        } catch {
            throw configurationError(error.property, error.description, kafka)
        }
    }

    func verify() throws(ConfigurationError) { _ = try makeKafka() }
}
