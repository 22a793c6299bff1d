import Kafka
import Logging
import Runtime
import WebSocket

/// Puts the parts of the producer together; starts nothing.
func producerService(_ environment: Environment, _ logger: Logger) throws -> ProducerService {
    let settings = try ProducerSettings(environment)
    // Records are as large as frames may be, and librdkafka's own limit is below ours.
    let frameLimit = ("message.max.bytes", "\(settings.frameLimitBytes + 10_000)")
    let kafka: KafkaProducer
    do {
        kafka = try KafkaProducer(
            topic: settings.topic, properties: [frameLimit] + settings.kafka.map { ($0.name, $0.value) })
    } catch {
        throw configurationError(error.property, error.description, settings.kafka)
    }
    let loop: EventLoop
    do {
        loop = try EventLoop(certificateAuthorityFile: settings.certificateAuthorityFile)
    } catch {
        guard settings.certificateAuthorityFile != nil else { throw Failure(ExitStatus.unavailable, "\(error)") }
        throw ConfigurationError("UPBIT_CA_FILE: \(error)")
    }
    // Numbers must grow over restarts; a clock in microseconds outruns any rate of frames.
    let publisher = Publisher(
        kafka, producerID: settings.producerID, firstSequence: microsecondsSince1970(), logger: logger)
    let feed = Feed(loop, settings, publisher, logger: logger)
    return ProducerService(feed: feed, publisher: publisher, logger: logger)
}
