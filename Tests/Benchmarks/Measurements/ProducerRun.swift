import TestSupport

/// What one run of the real producer came to: a session, as fast as it goes, from the exchange's socket to
/// records that Kafka has acknowledged. The spool is on, as it always is.
struct ProducerRun {
    let framesPerSecond: Double
    let cpuMicrosecondsPerFrame: Double
    let peakResidentMegabytes: Double

    /// Appends the frames of `session` to the topic of `pipeline`.
    init(_ session: Session, _ pipeline: Pipeline) async throws {
        let broker = pipeline.broker
        let before = try TopicReader.lastOffsets(broker.topic, partitions: broker.partitions, servers: broker.servers)
        let feed = try await Feed(session)
        let producer = try await feed.startProducer(pipeline)
        let usedBefore = ProcessUsage.cpuSeconds(of: producer.processID)
        let start = ContinuousClock.now
        try await feed.exchange.resume()
        try await TopicReader.wait(
            for: before + Int64(session.frameCount), in: broker.topic, partitions: broker.partitions,
            servers: broker.servers, within: .seconds(300))
        let count = Double(session.frameCount)
        framesPerSecond = count / (ContinuousClock.now - start).inSeconds
        let used = ProcessUsage.cpuSeconds(of: producer.processID) - usedBefore
        cpuMicrosecondsPerFrame = used / count * 1e6
        peakResidentMegabytes = ProcessUsage.peakResidentMegabytes(of: producer.processID)
        try await producer.end()
        await feed.exchange.stop()
    }
}
