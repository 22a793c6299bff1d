import Kafka
import Logging
import Runtime

/// Puts the parts of the consumer together; starts nothing.
func consumerService(_ environment: Environment, _ logger: Logger) throws -> ConsumerService {
    let settings = try ConsumerSettings(environment)
    let kafka: KafkaConsumer
    do {
        // What the user says wins over what comes before it.
        let properties = [("fetch.wait.max.ms", "\(settings.fetchWaitMilliseconds)")]
        kafka = try KafkaConsumer(
            group: settings.group, properties: properties + settings.kafka.map { ($0.name, $0.value) })
    } catch {
        throw configurationError(error.property, error.description, settings.kafka)
    }
    return ConsumerService(loop: ConsumerLoop(kafka, settings, logger: logger))
}
