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
///
/// A batch that grows large sends its rows while it grows: the server takes them while the next ones are
/// read and encoded. A small one is sent when it ends.
final class ConsumerLoop: @unchecked Sendable {
    private let consumer: KafkaConsumer
    private let settings: ConsumerSettings
    private let manager: ServiceManager
    private let logger: Logger
    /// It beats after each answer of the database, too, which is waited for as long as a statement may take.
    let heartbeat = Heartbeat("the consumer's loop", limit: .seconds(180))
    private let clock = ContinuousClock()
    private let isStopping = Atomic(false)

    private var database: DatabaseLink
    private var batch: Batch
    /// The partitions that the group gave to this member.
    private var assigned: [TopicPartition] = []
    /// True while records of `assigned` are fetched from where the database is.
    private var isFetching = false
    private let ends: EndOffsets
    /// When to ask for the ends of the partitions again.
    private var nextQuestion = ContinuousClock.now
    private let metrics: ConsumerMetrics
    /// What others may see of all this.
    private let status: ConsumerStatus
    /// What it does, for who asks the service manager.
    private var activity = "" {
        didSet { if activity != oldValue { manager.tell(.status(activity)) } }
    }
    /// Records that are not counted in the metrics yet.
    private var uncounted = 0
    private var reports = ReportPace()

    init(
        _ consumer: KafkaConsumer, _ settings: ConsumerSettings, _ metrics: ConsumerMetrics, _ status: ConsumerStatus,
        _ manager: ServiceManager, logger: Logger
    ) {
        self.consumer = consumer
        self.settings = settings
        self.metrics = metrics
        self.status = status
        self.manager = manager
        self.logger = logger
        ends = EndOffsets(consumer)
        database = DatabaseLink(settings, heartbeat, logger: logger)
        batch = Batch(topics: settings.topics, limits: settings.batch)
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
        try consumer.subscribe(to: [settings.topics.ticks, settings.topics.gaps])
        logger.info(
            "subscribed", metadata: ["kafka.topic": "\(settings.topics.ticks)", "kafka.group": "\(settings.group)"])
        // Neither broker nor database has answered: one that is away must not fail the start.
        manager.tell(.ready, .status("waiting for partitions"))
        while !isStopping.load(ordering: .acquiring) {
            heartbeat.beat()
            try takeEvents()
            if !isFetching { try startFetching() }
            let now = clock.now
            if batch.isFull || batch.deadline.map({ $0 <= now }) == true {
                try writeBatch()
            } else if batch.hasChunk {
                try sendRows()
            }
            tellGroup(at: now)
            if now >= nextQuestion { try askForEnds(at: now) }
            try takeEnds()
            tellStatus()
        }
        try writeBatch()
        tellGroup(at: clock.now, isLast: true)
        consumer.close()
        logger.info(
            "stopped",
            metadata: [
                "rows": "\(metrics.rowsWritten.value)", "dead_letters": "\(metrics.deadLetters.total)",
                "gaps": "\(metrics.gapsWritten.value)", "repeats": "\(metrics.repeatsDropped.value)",
                "batches": "\(metrics.batchesCommitted.value)",
            ])
    }

    /// Waits for an event, and takes those behind it that are there already, until there is something to send.
    private func takeEvents() throws {
        var timeout = pollTimeoutMilliseconds()
        while try consumer.poll(timeoutMilliseconds: timeout, { try handle($0) }), !batch.isFull, !batch.hasChunk {
            timeout = 0
        }
        metrics.recordsRead.add(uncounted)
        uncounted = 0
    }

    private func tellStatus() {
        status.update(batch.positions.all, isFetching: isFetching, isDatabaseAway: database.isAway)
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
            assigned = partitions.sorted { ($0.topic, $0.partition) < ($1.topic, $1.partition) }
            stopFetching()
            status.assigned(assigned)
            logger.info("assigned", metadata: ["kafka.partitions": "\(assigned)"])
        case .revoked:
            // The last chance to write what is at hand; if it fails, the next owner reads it again.
            try writeBatch()
            tellGroup(at: clock.now, isLast: true)
            assigned = []
            activity = "waiting for partitions"
            stopFetching()
            status.assigned([])
        case .end(let partition, let offset):
            guard isFetching, let source = settings.topics.source(of: partition) else { return }
            batch.reachedEnd(of: source, partition.partition, at: offset)
        case .error(let error, let partition): try handle(error, partition)
        case .log(let line): logger.log(line)
        }
    }

    private func take(_ record: KafkaRecord) {
        uncounted += 1
        guard isFetching, !batch.add(SourceRecord(record, settings.topics), at: clock.now) else { return }
        logger.warning(
            "a record that came before, or is another consumer's, is passed over",
            metadata: ["kafka.partition": "\(record.partition)", "kafka.offset": "\(record.offset)"])
    }

    // MARK: - Progress

    /// How often the database hears how far it has caught up.
    private static let questionInterval = Duration.seconds(5)

    private func askForEnds(at now: ContinuousClock.Instant) throws {
        // The connection is busy with rows until their batch ends, soon.
        guard !batch.hasSentRows else { return }
        nextQuestion = now + Self.questionInterval
        guard isFetching, ends.isIdle else { return }
        // Before the ends: what producers said by then is below them, in all partitions.
        let settlement = try database.use { store throws(PostgresError) in try store.settlement() }
        if let settlement { ends.ask(batch.positions.all, settlement) }
    }

    /// What the batch has reached goes into the database with it, or at once when there is no record.
    private func takeEnds() throws {
        guard let ends = ends.takeAnswer() else { return }
        status.asked(isAnswered: !ends.isEmpty)
        batch.learn(ends)
        if !batch.hasRecords { try writeBatch() }
    }

    // MARK: - Database

    /// Starts to fetch the assigned partitions from where the database is, as soon as it tells.
    private func startFetching() throws {
        guard !assigned.isEmpty else { return }
        guard let stored = try storedPositions() else {
            activity = "waiting for the database"
            return
        }
        batch.begin(at: Positions(assigned, of: settings.topics, stored: stored))
        let offsets = batch.positions.all.map { position in
            (position.partition, position.stored.map { KafkaOffset.at($0) } ?? .beginning)
        }
        try consumer.assign(offsets)
        isFetching = true
        activity = "reading \(assigned.count) partitions"
        nextQuestion = clock.now
        logger.debug("fetching", metadata: ["kafka.offsets": "\(offsets)"])
    }

    /// What the database has of the assigned partitions; nil when it does not answer.
    ///
    /// New partitions get their rows before anything of them is read: whoever asks the database whether the
    /// recording is past an hour must see that they are not. One whose leader is away begins without.
    private func storedPositions() throws -> [TopicPartition: StoredPosition]? {
        let stored = try database.use { store throws(PostgresError) in try store.positions() }
        guard let stored else { return nil }
        let new = assigned.filter { stored[$0] == nil }
        guard !new.isEmpty, let beginnings = try? consumer.beginnings(of: new, timeoutMilliseconds: 3_000)
        else { return stored }
        return try database.use { store throws(PostgresError) in
            try store.begin(at: beginnings)
            // Another consumer may have been quicker, and further.
            return try store.positions()
        }
    }

    private func stopFetching() {
        // What the batch knows of its records' age is forgotten with it.
        tellStatus()
        reports.forget()
        batch.begin(at: Positions())
        database.abandon()
        isFetching = false
        // Keeps the membership of the group; only fetching ends.
        try? consumer.unassign()
    }

    /// Gives the server what the batch has, so that it works while more is read.
    private func sendRows() throws {
        let isSent: Void? = try database.use { store throws(PostgresError) in try store.sendRows(of: &batch) }
        if isSent == nil {
            metrics.batchesFailed.add()
            stopFetching()
        }
    }

    private func writeBatch() throws {
        guard !batch.positions.news.isEmpty else { return }
        let start = clock.now
        let outcome = try database.use { store throws(PostgresError) in
            do throws(Store.WriteError) {
                try store.write(&batch)
                return true
            } catch {
                switch error {
                case .superseded: return false
                case .database(let error): throw error
                }
            }
        }
        switch outcome {
        case true?: batchWritten(in: clock.now - start)
        case false?:
            metrics.batchesFailed.add()
            logger.warning("another consumer wrote these partitions: reading their offsets again")
            stopFetching()
            database.waitBeforeNextUse()
        case nil:
            metrics.batchesFailed.add()
            stopFetching()
        }
    }

    private func batchWritten(in duration: Duration) {
        database.succeeded()
        metrics.lastCommit.set(Int(clamping: microsecondsSince1970()))
        if batch.hasRecords {
            metrics.committed(batch, in: duration)
            report()
        }
        batch.written()
    }

    private func report() {
        if batch.deadLetterCount > 0 {
            logger.warning("records went to dead_letters", metadata: ["records": "\(batch.deadLetterCount)"])
        }
        logger.debug(
            "written",
            metadata: [
                "rows": "\(batch.rowCount)", "dead_letters": "\(batch.deadLetterCount)", "gaps": "\(batch.gaps.count)",
                "repeats": "\(batch.repeatCount)",
            ])
        reports.batchWritten()
    }

    private func tellGroup(at now: ContinuousClock.Instant, isLast: Bool = false) {
        guard reports.isDue(at: now, isLast: isLast) else { return }
        consumer.reportProgress(
            batch.positions.all.compactMap { position in position.stored.map { (position.partition, .at($0)) } })
    }

    // MARK: - Errors

    private func handle(_ error: KafkaError, _ partition: TopicPartition?) throws {
        switch error.code {
        case .offsetReset, .offsetOutOfRange:
            throw partition.map { MissingOffset(partition: $0, error, batch.positions, consumer).failure }
                ?? Failure(ExitStatus.software, "an offset in kafka_offsets is not in its topic: \(error)")
        case .unknownTopic:
            // Told once a topic: that of the gaps is there from the first gap on.
            logger.info("a topic does not exist yet and is read when it does", metadata: ["kafka.error": "\(error)"])
        case _ where error.hidesRecords:
            try refuseToSkip(error, partition)
        case _ where error.isFatal:
            throw Failure(ExitStatus.unavailable, "the Kafka client cannot go on: \(error)")
        default: warn(error, partition)
        }
    }

    /// Writes what is before records that cannot be read, and ends with them.
    private func refuseToSkip(_ error: KafkaError, _ partition: TopicPartition?) throws {
        warn(error, partition)
        try writeBatch()
        // What could not be written is read again, and they with it.
        guard isFetching, let position = batch.positions.all.first(where: { $0.partition == partition }) else { return }
        throw UnreadableRecords(partition: position.partition, offset: position.next, error: error).failure
    }

    private func warn(_ error: KafkaError, _ partition: TopicPartition?) {
        logger.warning(
            "kafka", metadata: ["kafka.error": "\(error)", "kafka.partition": "\(partition.map { "\($0)" } ?? "-")"])
    }
}
