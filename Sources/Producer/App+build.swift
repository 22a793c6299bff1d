import Kafka
import Logging
import Market
import Runtime
import WebSocket

/// Puts the parts of the producer together. Of them only the spool is there already: that it is ours
/// alone has to be known before anything else.
func producerService(_ settings: ProducerSettings, _ logger: Logger) throws -> ProducerService {
    try settings.verify()
    let spool = try openSpool(settings, logger)
    let metrics = ProducerMetrics()
    metrics.observe(spool, limitBytes: settings.spoolLimitBytes)
    let loop: EventLoop
    do {
        loop = try EventLoop(certificateAuthorityFile: settings.certificateAuthorityFile)
    } catch {
        guard settings.certificateAuthorityFile != nil else { throw Failure(ExitStatus.unavailable, "\(error)") }
        throw ConfigurationError("UPBIT_CA_FILE: \(error)")
    }
    let gaps = GapOutbox(spool.state, topic: settings.topic + Gap.topicSuffix, logger: logger) {
        (topic) throws(KafkaConfigurationError) in
        // Where the topic is missing that is to be said soon, and again.
        let patience = [(name: "topic.metadata.propagation.max.ms", value: "30000")]
        return try KafkaProducer(topic: topic, properties: patience + settings.properties)
    }
    let deliveries = Deliveries(spool.state, gaps, metrics, logger: logger) {
        (isIsolating) throws(KafkaConfigurationError) in
        try makeProducer(settings, isIsolating: isIsolating)
    }
    let keeper = SpoolKeeper(
        spool.directory, spool.state, spool.catalogue, interval: settings.spoolSyncInterval, logger: logger)
    spool.whenRoomIsWanted = { keeper.keepSoon() }
    metrics.observe(keeper)
    let publisher = Publisher(spool, deliveries, gaps, settings.partitioner, metrics, logger: logger)
    let manager = ServiceManager()
    let feed = Feed(loop, settings, spool, publisher, metrics, manager, logger: logger)
    let health = producerHealth(feed, deliveries, metrics)
    let pages = AdminPages(MetricRegistry([metrics, ProcessMetrics(service: ProducerSettings.service)]), health)
    return ProducerService(
        feed: feed, deliveries: deliveries, keeper: keeper, metrics: metrics,
        admin: AdminServer(settings.admin, pages, logger: logger), health: health, manager: manager, logger: logger)
}

private func producerHealth(_ feed: Feed, _ deliveries: Deliveries, _ metrics: ProducerMetrics) -> Health {
    Health(heartbeats: [feed.heartbeat, deliveries.heartbeat]) {
        var obstacles: [String] = []
        if metrics.connected.value == 0 { obstacles.append("there is no connection to the exchange") }
        if deliveries.partitionCount == nil { obstacles.append("no broker has told of the topic yet") }
        if !deliveries.flow.isAlive() {
            obstacles.append("frames wait, and Kafka takes none for \(deliveries.flow.silence().components.seconds) s")
        }
        return obstacles
    }
}

private func makeProducer(
    _ settings: ProducerSettings, isIsolating: Bool
) throws(KafkaConfigurationError) -> KafkaProducer {
    let isolation = isIsolating ? [(name: "batch.num.messages", value: "1")] : []
    return try KafkaProducer(topic: settings.topic, properties: settings.properties + isolation)
}

extension ProducerSettings {
    /// librdkafka's.
    fileprivate var properties: [(name: String, value: String)] {
        // Records are as large as frames may be, and librdkafka's own limit is below ours.
        [("message.max.bytes", "\(frameLimitBytes + 10_000)")] + kafka.map { ($0.name, $0.value) }
    }

    /// A client that sends nothing.
    func makeProbe() throws(ConfigurationError) -> KafkaProbe {
        do throws(KafkaConfigurationError) {
            return try .producer(properties: properties)
        } catch {
            throw configurationError(error.property, error.description, kafka)
        }
    }

    /// A mistake in librdkafka's properties stops the producer at once, and not when the first client is made.
    func verify() throws(ConfigurationError) { _ = try makeProbe() }
}

private func openSpool(_ settings: ProducerSettings, _ logger: Logger) throws -> Spool {
    do throws(SpoolError) {
        let directory = try SpoolDirectory(settings.spoolDirectory)
        let state = try SpoolState(in: directory, producerID: settings.producerID)
        let spool = try Spool(
            directory, state, Spool.Limits(bytes: settings.spoolLimitBytes, frameBytes: settings.frameLimitBytes))
        if !state.producer.hasPrefix("\(settings.producerID)-") {
            logger.warning(
                "the spool keeps the name that its producer had when it was made; PRODUCER_ID is for a new spool",
                metadata: ["producer": "\(state.producer)", "producer.id": "\(settings.producerID)"])
        }
        return spool
    } catch {
        switch error.kind {
        case .unusable, .missing: throw ConfigurationError("\(error)")
        case .noRoom, .inUse: throw Failure(ExitStatus.unavailable, "\(error)")
        }
    }
}
