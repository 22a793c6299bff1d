import ArgumentParser
import CRDKafka
import TestSupport

/// Hands frames that lie in memory to librdkafka: what it alone can do, with the settings that the producer's
/// promise needs, and without headers, delivery reports or a spool.
struct BareProduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bare-produce", shouldDisplay: false)

    @Argument var servers: String
    @Argument var topic: String
    @Option var frames: Int

    /// As many as are kept in memory; they are sent again and again.
    private static let distinctFrames = 50_000

    func run() throws {
        let messages = Session.seeded(frameCount: min(frames, Self.distinctFrames)).frames().map { frame in
            (key: Array(frame.code.utf8), value: frame.bytes)
        }
        let client = try makeClient()
        guard let topic = rd_kafka_topic_new(client, topic, nil) else { throw SetupError("no topic") }
        // The first question for the topic's partitions is no part of the work.
        var metadata: UnsafePointer<rd_kafka_metadata>?
        rd_kafka_metadata(client, 0, topic, &metadata, 10_000)
        rd_kafka_metadata_destroy(metadata)

        let usedBefore = ProcessUsage.ownCPUSeconds()
        let start = ContinuousClock.now
        for position in 0..<frames {
            let message = messages[position % messages.count]
            let code = message.value.withUnsafeBytes { value in
                rd_kafka_produce(
                    topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK,
                    UnsafeMutableRawPointer(mutating: value.baseAddress), value.count, message.key, message.key.count,
                    nil)
            }
            guard code == 0 else { throw SetupError("librdkafka takes no record: \(rd_kafka_last_error())") }
        }
        rd_kafka_flush(client, 60_000)
        let result = BareLoop(
            frames: frames, seconds: (ContinuousClock.now - start).inSeconds,
            cpuSeconds: ProcessUsage.ownCPUSeconds() - usedBefore)
        guard rd_kafka_outq_len(client) == 0 else { throw SetupError("records are not acknowledged") }
        rd_kafka_topic_destroy(topic)
        rd_kafka_destroy(client)
        try result.tell()
    }

    private func makeClient() throws -> OpaquePointer {
        let configuration = rd_kafka_conf_new()
        for (name, value) in [
            ("bootstrap.servers", servers), ("enable.idempotence", "true"), ("acks", "all"), ("linger.ms", "5"),
            ("compression.type", "lz4"), ("queue.buffering.max.messages", "100000"),
        ] {
            guard rd_kafka_conf_set(configuration, name, value, nil, 0) == RD_KAFKA_CONF_OK else {
                throw SetupError("librdkafka does not take \(name)=\(value)")
            }
        }
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0) else {
            throw SetupError("librdkafka cannot start")
        }
        return client
    }
}
