import TestSupport

extension Demo {
    /// Small batches, so that kills meet every part of a transaction, and a membership under a name of
    /// its own: the successor of a killed consumer has its partitions at once, instead of waiting until
    /// the dead one's session ends (which some brokers other than Apache's never notice).
    var consumerSettings: [String: String] {
        let membership = ["KAFKA_GROUP_INSTANCE_ID": "sandbox", "KAFKA_SESSION_TIMEOUT_MS": "6000"]
        return kills == 0 ? [:] : membership.merging(["CONSUMER_BATCH_ROWS": "200"]) { $1 }
    }

    /// Kills the consumer and returns when its successor has the partitions.
    func killConsumer(_ number: Int, _ pipeline: Pipeline, _ progress: inout ProgressLine) async throws {
        guard let consumer = pipeline.consumer else { return }
        progress.step("killing the consumer, \(number) of \(kills)")
        consumer.kill()
        _ = try await consumer.exitStatus(within: .seconds(10))
        try await pipeline.startConsumer(consumerSettings)
    }
}
