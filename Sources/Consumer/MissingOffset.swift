import Kafka
import Runtime

/// A stored offset that the topic does not have. Going on anywhere else would lose or double records
/// without a word, so somebody has to choose.
struct MissingOffset {
    private let partition: TopicPartition
    private let error: KafkaError
    /// Where the database is.
    private let stored: Int64?
    /// What the topic has; nil when it cannot be asked.
    private let watermarks: KafkaConsumer.Watermarks?

    init(partition: TopicPartition, _ error: KafkaError, _ positions: Positions, _ consumer: KafkaConsumer) {
        self.partition = partition
        self.error = error
        stored = positions.all.first { $0.partition == partition }?.stored
        watermarks = try? consumer.watermarks(of: partition, timeoutMilliseconds: 3_000)
    }

    /// What happened, and the choices.
    var failure: Failure {
        let range =
            watermarks.map { "the topic has offsets \($0.low) to \($0.high) now" }
            ?? "the topic's offsets cannot be asked now"
        return Failure(
            ExitStatus.software,
            """
            \(partition): kafka_offsets continues at \(stored.map { "\($0)" } ?? "its beginning"), but \(range) \
            (\(error)). Most likely records were deleted before they were read, or the topic was created anew. \
            Nothing was skipped. Either restore the topic, or accept what is missing and continue at an offset of \
            your choice with INSERT INTO kafka_offsets (topic, partition, next_offset) \
            VALUES ('\(partition.topic)', \(partition.partition), \(watermarks.map { "\($0.low)" } ?? "<offset>")) \
            ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset;
            """)
    }
}
