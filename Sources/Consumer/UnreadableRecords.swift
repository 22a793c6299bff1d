import Kafka
import Runtime

/// Records that librdkafka cannot read. It would go on behind them, so somebody has to choose.
struct UnreadableRecords {
    let partition: TopicPartition
    /// Where they begin, and the table ends.
    let offset: Int64
    let error: KafkaError

    /// What happened, and the choices.
    var failure: Failure {
        Failure(
            ExitStatus.software,
            """
            \(partition): the records at offset \(offset) cannot be read: \(error). Most likely their bytes have \
            changed on a broker's disk. What is before them is in the table, and nothing was skipped. Either restore \
            them from another replica, or accept that they are lost and continue behind them, with \
            UPDATE kafka_offsets SET next_offset = <offset> WHERE topic = '\(partition.topic)' \
            AND partition = \(partition.partition); docs/recovery.md, "Records in Kafka are damaged", goes through it.
            """)
    }
}
