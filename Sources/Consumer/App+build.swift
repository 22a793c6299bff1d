import Kafka
import Logging
import Runtime

/// Puts the parts of the consumer together; starts nothing.
func consumerService(_ settings: ConsumerSettings, _ logger: Logger) throws -> ConsumerService {
    let kafka = try settings.makeKafka()
    let metrics = ConsumerMetrics()
    let status = ConsumerStatus(topic: settings.topics.ticks) { kafka.knownEnd(of: $0) }
    metrics.observe(status)
    let manager = ServiceManager()
    let loop = ConsumerLoop(kafka, settings, metrics, status, manager, logger: logger)
    let health = Health(heartbeats: [loop.heartbeat]) { status.obstacles }
    let pages = AdminPages(MetricRegistry([metrics, ProcessMetrics(service: ConsumerSettings.service)]), health)
    return ConsumerService(
        loop: loop, admin: AdminServer(settings.admin, pages, logger: logger), health: health, manager: manager,
        logger: logger)
}

extension ConsumerSettings {
    /// librdkafka's. What the user says wins over what comes before it.
    private var properties: [(name: String, value: String)] {
        [(name: "fetch.wait.max.ms", value: "\(fetchWaitMilliseconds)")] + kafka.map { ($0.name, $0.value) }
    }

    /// A client that has not joined the group yet.
    func makeKafka() throws(ConfigurationError) -> KafkaConsumer {
        do throws(KafkaConfigurationError) {
            return try KafkaConsumer(group: group, properties: properties)
        } catch {
            throw configurationError(error.property, error.description, kafka)
        }
    }

    /// A client that joins none.
    func makeProbe() throws(ConfigurationError) -> KafkaProbe {
        do throws(KafkaConfigurationError) {
            return try .consumer(properties: properties)
        } catch {
            throw configurationError(error.property, error.description, kafka)
        }
    }

    func verify() throws(ConfigurationError) { _ = try makeProbe() }
}
