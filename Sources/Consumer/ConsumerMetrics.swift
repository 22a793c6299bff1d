import Market
import Runtime

/// What the consumer tells about itself. The loop counts; whoever asks reads ``ConsumerStatus``.
struct ConsumerMetrics: MetricGroup {
    let recordsRead = Counter(
        "ticker_consumer_records_read_total",
        "Records that Kafka handed out, of both topics. What is read again after a failure counts again.")
    let rowsWritten = Counter("ticker_consumer_rows_written_total", "Rows in committed transactions.")
    let repeatsDropped = Counter(
        "ticker_consumer_repeats_dropped_total",
        "Records that a producer had sent twice, dropped in committed transactions.")
    let deadLetters = CounterFamily(
        "ticker_consumer_dead_letters_total", by: DeadLetter.Kind.self,
        "Records in committed transactions that cannot be rows, and went to dead_letters.")
    let gapsWritten = Counter(
        "ticker_consumer_gaps_written_total",
        "Gaps in committed transactions. One that is told by its tick and in its topic counts twice.")
    let batchesCommitted = Counter(
        "ticker_consumer_batches_committed_total", "Transactions with records that were committed.")
    let batchesFailed = Counter(
        "ticker_consumer_batches_failed_total",
        "Transactions that were not, or of which nobody knows: their records are read again.")
    let batchRecords = Histogram(
        "ticker_consumer_batch_rows", bounds: [1, 10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000],
        "Rows of a committed transaction.")
    let batchDuration = Histogram(
        "ticker_consumer_batch_duration_seconds", unit: .microseconds,
        bounds: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000].map { $0 * 1_000 },
        "How long a transaction took that was committed, from its end of rows to COMMIT's answer.")
    let lagRecords = ReadingFamily(
        "ticker_consumer_lag_records", by: "partition",
        "Records of the ticks' topic, by its partition, that are not in the database, as far as brokers told.")
    let lagTime = ReadingFamily(
        "ticker_consumer_lag_seconds", by: "partition", unit: .microseconds,
        "Age of the oldest of those records since the producer received it; 0 when there is none.")
    let nextOffset = ReadingFamily(
        "ticker_consumer_next_offset", by: "partition",
        "The offset up to which the ticks' topic, by its partition, is in the database.")
    let lastCommit = Gauge(
        "ticker_consumer_last_commit_timestamp_seconds", unit: .microseconds,
        "When a transaction was committed the last time, since 1970; 0 when none was. Without records there is one all the same every few seconds."
    )
    let assignedPartitions = Reading(
        "ticker_consumer_assigned_partitions", "Partitions of the ticks' topic that this consumer reads.")

    /// Reads from `status` what it knows.
    func observe(_ status: ConsumerStatus) {
        lagRecords.read { status.partitions.map { ("\($0.partition)", $0.lagRecords) } }
        lagTime.read {
            let now = microsecondsSince1970()
            return status.partitions.map { ("\($0.partition)", $0.lagMicroseconds(at: now)) }
        }
        nextOffset.read { status.partitions.map { ("\($0.partition)", Int($0.nextOffset)) } }
        assignedPartitions.read { status.assignedCount }
    }

    /// The batch is in the database, after `duration`.
    func committed(_ batch: borrowing Batch, in duration: Duration) {
        rowsWritten.add(batch.rowCount)
        repeatsDropped.add(batch.repeatCount)
        for (kind, count) in batch.deadLetterCounts { deadLetters.add(count, kind) }
        gapsWritten.add(batch.gaps.count)
        batchesCommitted.add()
        batchRecords.observe(batch.rowCount)
        batchDuration.observe(duration)
    }
}

extension DeadLetter {
    /// Why a record cannot be a row, in a few words.
    enum Kind: String, MetricLabel {
        case noValue = "no_value"
        case notJSON = "not_json"
        case notAnObject = "not_an_object"
        case missingField = "missing_field"
        case repeatedField = "repeated_field"
        case impossibleField = "impossible_field"
        /// In the gaps' topic.
        case notAGap = "not_a_gap"

        static let labelName = "reason"

        init(_ refusal: Tick.Refusal) {
            self =
                switch refusal {
                case .noValue: .noValue
                case .notJSON: .notJSON
                case .notAnObject: .notAnObject
                case .missing: .missingField
                case .repeated: .repeatedField
                case .impossible: .impossibleField
                }
        }
    }
}
