import Kafka
import Logging
import Postgres
import Runtime
import Synchronization

/// Reads the topic and writes it down, batch by batch. One thread runs it; only ``stop()`` may come
/// from others.
///
/// The database is the truth about what is done. Whatever goes wrong on the way (a connection that
/// broke, a COMMIT without an answer, another owner), the batch in memory is thrown away, the offsets
/// are read from the database again, and reading continues from there.
///
/// ```
/// assigned ─▶ read offsets ─▶ fetch ─▶ batch ─▶ one transaction ─▶ …
///                 ▲                                   │ failed
///                 └────────── wait, connect ◀─────────┘
/// ```
final class ConsumerLoop: @unchecked Sendable {
    private let consumer: KafkaConsumer
    private let settings: ConsumerSettings
    private let logger: Logger
    private let clock = ContinuousClock()
    private let isStopping = Atomic(false)

    private var database: DatabaseLink
    private var batch: Batch
    /// The partitions that the group gave to this member.
    private var assigned: [Int32] = []
    /// What the database had for them when it was last read or written; none for a new partition.
    private var stored: [Int32: Int64] = [:]
    /// True while records of `assigned` are fetched from where `stored` says.
    private var isFetching = false
    private var totals = Totals()

    private struct Totals {
        var rows = 0
        var deadLetters = 0
        var batches = 0
    }

    init(_ consumer: KafkaConsumer, _ settings: ConsumerSettings, logger: Logger) {
        self.consumer = consumer
        self.settings = settings
        self.logger = logger
        database = DatabaseLink(settings, logger: logger)
        batch = Batch(topic: settings.topic, limits: settings.batch)
    }

    /// Ends ``run()`` after the batch at hand. Any thread.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        consumer.wake()
    }

    /// Reads and writes until ``stop()``; blocks.
    ///
    /// - Throws: ``Failure`` for what a person has to decide or mend.
    func run() throws {
        try consumer.subscribe(topic: settings.topic)
        logger.info("subscribed", metadata: ["kafka.topic": "\(settings.topic)", "kafka.group": "\(settings.group)"])
        while !isStopping.load(ordering: .acquiring) {
            try consumer.poll(timeoutMilliseconds: pollTimeoutMilliseconds()) { try handle($0) }
            if !isFetching { try startFetching() }
            if batch.isFull || batch.deadline.map({ $0 <= clock.now }) == true { try writeBatch() }
        }
        try writeBatch()
        consumer.close()
        logger.info(
            "stopped",
            metadata: [
                "rows": "\(totals.rows)", "dead_letters": "\(totals.deadLetters)", "batches": "\(totals.batches)",
            ])
    }

    private func pollTimeoutMilliseconds() -> Int {
        // Without partitions nobody asks the database, so its next attempt is nothing to wait for.
        let attempt = assigned.isEmpty ? nil : database.nextAttempt
        guard let wake = isFetching ? batch.deadline : attempt else { return 1_000 }
        let wait = (wake - clock.now).components
        return max(0, min(1_000, Int(wait.seconds) * 1_000 + Int(wait.attoseconds / 1_000_000_000_000_000) + 1))
    }

    private func handle(_ event: KafkaConsumer.Event) throws {
        switch event {
        case .record(let record): take(record)
        case .assigned(let partitions):
            assigned = partitions.map(\.partition).sorted()
            logger.info("assigned", metadata: ["kafka.partitions": "\(assigned)"])
            stopFetching()
        case .revoked:
            // The last chance to write what is at hand; if it fails, the next owner reads it again.
            try writeBatch()
            assigned = []
            stopFetching()
        case .error(let error, let partition): try handle(error, partition)
        case .log(let line): logger.log(line)
        }
    }

    private func take(_ record: KafkaRecord) {
        guard isFetching else { return }
        // Whatever was read ahead before an assignment must not come after it: compare-and-set looks at
        // where a batch begins, not at each of its records.
        let next = batch.nextOffsets[record.partition] ?? stored[record.partition] ?? 0
        guard record.offset >= next else {
            logger.warning(
                "a record came twice and is passed over",
                metadata: ["kafka.partition": "\(record.partition)", "kafka.offset": "\(record.offset)"])
            return
        }
        batch.add(
            partition: record.partition, offset: record.offset, key: record.key, value: record.value, at: clock.now)
    }

    // MARK: - Database

    /// Starts to fetch the assigned partitions from where the database is, as soon as it tells.
    private func startFetching() throws {
        guard !assigned.isEmpty else { return }
        let offsets = try database.use { store throws(PostgresError) in try store.nextOffsets(of: assigned) }
        guard let offsets else { return }
        stored = offsets
        try consumer.assign(
            assigned.map { partition in
                (
                    TopicPartition(topic: settings.topic, partition: partition),
                    offsets[partition].map { .at($0) } ?? .beginning
                )
            })
        isFetching = true
        logger.debug("fetching", metadata: ["kafka.offsets": "\(offsets.sorted { $0.key < $1.key })"])
    }

    private func stopFetching() {
        batch.removeAll()
        stored = [:]
        isFetching = false
        // Keeps the membership of the group; only fetching ends.
        try? consumer.unassign()
    }

    private func writeBatch() throws {
        guard !batch.isEmpty else { return }
        let outcome = try database.use { store throws(PostgresError) in
            do throws(Store.WriteError) {
                try store.write(batch, over: stored)
                return true
            } catch {
                switch error {
                case .superseded: return false
                case .database(let error): throw error
                }
            }
        }
        switch outcome {
        case true?: batchWritten()
        case false?:
            logger.warning("another consumer wrote these partitions: reading their offsets again")
            stopFetching()
            database.waitBeforeNextUse()
        case nil: stopFetching()
        }
    }

    private func batchWritten() {
        database.succeeded()
        stored.merge(batch.nextOffsets) { _, next in next }
        totals.rows += batch.rowCount
        totals.deadLetters += batch.deadLetterCount
        totals.batches += 1
        if batch.deadLetterCount > 0 {
            logger.warning("records went to dead_letters", metadata: ["records": "\(batch.deadLetterCount)"])
        }
        logger.debug("written", metadata: ["rows": "\(batch.rowCount)", "dead_letters": "\(batch.deadLetterCount)"])
        consumer.reportProgress(
            batch.nextOffsets.map { (TopicPartition(topic: settings.topic, partition: $0.key), .at($0.value)) })
        batch.removeAll()
    }

    // MARK: - Errors

    private func handle(_ error: KafkaError, _ partition: TopicPartition?) throws {
        switch error.code {
        case .offsetReset, .offsetOutOfRange: throw missingOffset(partition, error)
        case _ where error.isFatal:
            throw Failure(ExitStatus.unavailable, "the Kafka client cannot go on: \(error)")
        default:
            logger.warning(
                "kafka",
                metadata: ["kafka.error": "\(error)", "kafka.partition": "\(partition.map { "\($0)" } ?? "-")"])
        }
    }

    /// The stored offset is not in the topic. Going on anywhere else would lose or double records
    /// without a word, so somebody has to choose.
    private func missingOffset(_ partition: TopicPartition?, _ error: KafkaError) -> Failure {
        guard let partition else {
            return Failure(
                ExitStatus.software, "an offset in kafka_offsets is not in topic \(settings.topic): \(error)")
        }
        let number = partition.partition
        let next = stored[number].map { "\($0)" } ?? "its beginning"
        let range: String
        let oldest: String
        if let marks = try? consumer.watermarks(of: partition, timeoutMilliseconds: 3_000) {
            range = "the topic has offsets \(marks.low) to \(marks.high) now"
            oldest = "\(marks.low)"
        } else {
            range = "the topic's offsets cannot be asked now"
            oldest = "<offset>"
        }
        return Failure(
            ExitStatus.software,
            """
            \(partition): kafka_offsets continues at \(next), but \(range) (\(error)). Most likely records were \
            deleted before they were read, or the topic was created anew. Nothing was skipped. Either restore \
            the topic, or accept what is missing and continue at an offset of your choice with \
            INSERT INTO kafka_offsets (topic, partition, next_offset) VALUES ('\(partition.topic)', \(number), \(oldest)) \
            ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset;
            """)
    }
}
