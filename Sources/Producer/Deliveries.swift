import Dispatch
import Kafka
import Logging
import Runtime
import Synchronization

/// Kafka's side of the producer: makes the client, takes its delivery reports, and makes another one
/// when it fails. Everything that is not delivered by then is in the spool and is sent again.
///
/// ``run(wake:)`` has a thread of its own. The client is lent to the socket's thread, which gives it back
/// when it is broken: it ends here, since that can take a while.
final class Deliveries: Sendable {
    typealias MakeProducer = @Sendable (_ isIsolating: Bool) throws(KafkaConfigurationError) -> KafkaProducer

    private let makeProducer: MakeProducer
    private let gaps: GapOutbox
    private let state: SpoolState
    private let metrics: ProducerMetrics
    private let logger: Logger
    /// Beats while nothing waits, or Kafka takes something.
    let flow = Heartbeat("Kafka", limit: .seconds(10))

    private let offered = Mutex<KafkaProducer?>(nil)
    private let isBroken = Atomic(false)
    private let isReturned = Atomic(false)
    private let isQueueFull = Atomic(false)
    private let partitions = Atomic(0)
    private let isCountWanted = Atomic(false)
    private let isFinished = Atomic(false)
    private let end = DispatchSemaphore(value: 0)
    private let skipped = Mutex<[Range<UInt64>]>([])
    private let hasSkipped = Atomic(false)
    private let knownRefusals = Mutex(Refusals())
    /// Of the thread. A client that is ended waits for its threads, which may wait for a name server.
    let heartbeat = Heartbeat("the deliveries' loop", limit: .seconds(120))

    /// - Parameter makeProducer: a client for the topic of the data.
    init(
        _ state: SpoolState, _ gaps: GapOutbox, _ metrics: ProducerMetrics, logger: Logger,
        makeProducer: @escaping MakeProducer
    ) {
        self.state = state
        self.gaps = gaps
        self.metrics = metrics
        self.logger = logger
        self.makeProducer = makeProducer
    }

    // MARK: - For the socket's thread

    /// How many partitions the topic of the data has; nil as long as no broker told.
    var partitionCount: Int? {
        let count = partitions.load(ordering: .acquiring)
        return count > 0 ? count : nil
    }

    /// Has the number of partitions looked up again.
    func refreshPartitionCount() { isCountWanted.store(true, ordering: .relaxed) }

    /// The next client, once.
    func takeClient() -> KafkaProducer? {
        offered.withLock { offered in
            defer { offered = nil }
            return offered
        }
    }

    /// True when the client that was taken cannot go on. It is to be dropped, and then ``returned()``.
    var isClientBroken: Bool { isBroken.load(ordering: .acquiring) }

    func fail(_ error: KafkaError) {
        if !isBroken.exchange(true, ordering: .acquiringAndReleasing) {
            logger.error(
                "Kafka takes no more frames: they wait in the spool, and are tried again",
                metadata: ["kafka.error": "\(error)"])
        }
    }

    /// The client was dropped.
    func returned() { isReturned.store(true, ordering: .releasing) }

    /// Asks to be woken when there is room in the client's queue, or soon.
    func queueIsFull() { isQueueFull.store(true, ordering: .sequentiallyConsistent) }

    func queueHasRoom() { isQueueFull.store(false, ordering: .relaxed) }

    /// What is refused. It changes with the client: what is refused by one is sent otherwise by the next.
    var refusals: Refusals { knownRefusals.withLock { $0 } }

    /// No report will come for these; see ``DeliveryTracker/skip(_:)``.
    func skip(_ sequences: Range<UInt64>) {
        skipped.withLock { $0.append(sequences) }
        hasSkipped.store(true, ordering: .releasing)
    }

    /// Lets ``run(wake:)`` return. The client has to be returned before.
    func finish() {
        isFinished.store(true, ordering: .releasing)
        end.signal()
    }

    // MARK: - The thread

    /// What the thread knows from report to report.
    private struct Progress {
        var tracker: DeliveryTracker
        var backoff = Backoff(base: .seconds(1), limit: .seconds(10))
        /// What was refused before the client at hand was made, and so how it sends.
        var refusals = Refusals()
        /// The client at hand has had a record refused: what fails behind it fails because of that one.
        var hasRefusal = false
        /// Since when brokers say that there is no such topic; in the future when that was just told.
        var missingSince: ContinuousClock.Instant?
    }

    /// Delivers until ``finish()``; blocks.
    ///
    /// - Parameter wake: called when the socket's thread has something to do.
    func run(wake: () -> Void) {
        var progress = Progress(tracker: DeliveryTracker(deliveredBelow: state.deliveredBelow))
        while !hasFinished {
            heartbeat.beat()
            do throws(KafkaConfigurationError) {
                progress.refusals = knownRefusals.withLock { refusals in
                    refusals.forget(below: state.deliveredBelow)
                    return refusals
                }
                try serve(makeProducer(progress.refusals.isolatedUntil != nil), &progress, wake)
            } catch {
                logger.error("no Kafka client", metadata: ["reason": "\(error)"])
            }
            if !hasFinished { _ = end.wait(timeout: .now() + progress.backoff.next().seconds) }
        }
    }

    private var hasFinished: Bool { isFinished.load(ordering: .acquiring) }

    private func serve(_ client: KafkaProducer, _ progress: inout Progress, _ wake: () -> Void) {
        // All that is not delivered below this is sent again, so only this client's reports count from here on.
        progress.tracker = DeliveryTracker(deliveredBelow: state.deliveredBelow)
        progress.hasRefusal = false
        skipped.withLock { $0 = [] }
        partitions.store(0, ordering: .releasing)
        isBroken.store(false, ordering: .releasing)
        isReturned.store(false, ordering: .releasing)
        offered.withLock { $0 = client }
        wake()
        while !hasFinished, !isClientBroken {
            lookAtTopic(client, &progress, wake)
            takeReports(client, &progress, timeoutMilliseconds: 200)
            // Behind the poll: only there are the records it told about gone from the queue.
            if isQueueFull.exchange(false, ordering: .sequentiallyConsistent) { wake() }
        }
        // It may have been taken, or not yet.
        let isTaken = offered.withLock { offered in
            defer { offered = nil }
            return offered == nil
        }
        wake()
        while isTaken, !isReturned.load(ordering: .acquiring), !hasFinished {
            takeReports(client, &progress, timeoutMilliseconds: 20)
        }
        // That the client gave up may be known before the record that was to blame.
        while poll(client, &progress, timeoutMilliseconds: 0) {}
        state.deliveredBelow = progress.tracker.deliveredBelow
        client.purge()
        metrics.queueRecords.set(0)
    }

    private func takeReports(_ client: KafkaProducer, _ progress: inout Progress, timeoutMilliseconds: Int) {
        heartbeat.beat()
        let before = metrics.framesDelivered.value
        poll(client, &progress, timeoutMilliseconds: timeoutMilliseconds)
        metrics.queueRecords.set(client.queueLength)
        if state.waitingFrames == 0 || metrics.framesDelivered.value > before { flow.beat() }
        if hasSkipped.exchange(false, ordering: .acquiring) { takeSkipped(&progress) }
        gaps.work()
        let deliveredBelow = progress.tracker.deliveredBelow
        guard deliveredBelow != state.deliveredBelow else { return }
        state.deliveredBelow = deliveredBelow
        if let until = progress.refusals.isolatedUntil, deliveredBelow > until {
            // Back to batches, with another client. This one was given nothing that is not delivered.
            isBroken.store(true, ordering: .releasing)
        }
    }

    /// What was skipped is taken before any report, since it was told before what is behind it was sent.
    @discardableResult
    private func poll(_ client: KafkaProducer, _ progress: inout Progress, timeoutMilliseconds: Int) -> Bool {
        client.poll(timeoutMilliseconds: timeoutMilliseconds) { event in
            if hasSkipped.exchange(false, ordering: .acquiring) { takeSkipped(&progress) }
            handle(event, &progress)
        }
    }

    private func takeSkipped(_ progress: inout Progress) {
        let ranges = skipped.withLock { skipped in
            defer { skipped = [] }
            return skipped
        }
        for range in ranges { progress.tracker.skip(range) }
    }

    private func handle(_ event: KafkaProducer.Event, _ progress: inout Progress) {
        switch event {
        case .delivered(let sequence):
            delivered(sequence, &progress)
            progress.backoff.reset()
        case .failed(let sequence, let error):
            metrics.deliveryErrors.add()
            failed(sequence, error, &progress)
        case .error(let error):
            metrics.deliveryErrors.add()
            if error.isFatal { fail(error) } else { logger.warning("kafka", metadata: ["kafka.error": "\(error)"]) }
        case .log(let line): logger.log(line)
        }
    }

    private func delivered(_ sequence: UInt64, _ progress: inout Progress) {
        progress.tracker.delivered(sequence)
        metrics.framesDelivered.add()
    }

    /// However a record is refused, another client goes on: this one would have to leave it out.
    private func failed(_ sequence: UInt64, _ error: KafkaError, _ progress: inout Progress) {
        guard error.isRefusal else { return fail(error) }
        isBroken.store(true, ordering: .releasing)
        let isFirst = !progress.hasRefusal
        progress.hasRefusal = true
        let verdict = knownRefusals.withLock { refusals in
            refusals.refused(
                sequence, error.code, restampedUntil: progress.refusals.restampedUntil,
                isAlone: progress.refusals.isolatedUntil != nil && isFirst)
        }
        switch verdict {
        case .restamp:
            if isFirst { warn("Kafka refuses a timestamp: sending the frames with the present time", error) }
        case .isolate: if isFirst { warn("Kafka refuses a batch: sending its frames one by one", error) }
        case .giveUp:
            metrics.framesLost.add()
            logLoss(of: sequence, error)
        }
    }

    private func warn(_ message: Logger.Message, _ error: KafkaError) {
        logger.warning(message, metadata: ["kafka.error": "\(error)"])
    }

    /// A frame that Kafka can never take is let go, or all that come after it would wait for it.
    func logLoss(of sequence: UInt64, _ error: KafkaError) {
        logger.error(
            "\(error.lossText)", metadata: ["frame.seq": "\(sequence)", "kafka.error": "\(error)"])
    }

    private func lookAtTopic(_ client: KafkaProducer, _ progress: inout Progress, _ wake: () -> Void) {
        guard isCountWanted.exchange(false, ordering: .relaxed) || partitionCount == nil else { return }
        switch client.topicState(timeoutMilliseconds: 500) {
        case .partitions(let count):
            partitions.store(count, ordering: .releasing)
            progress.missingSince = nil
            wake()
        case .missing:
            let since = progress.missingSince ?? .now
            progress.missingSince = since
            // A broker that makes topics by itself takes a moment for it.
            guard since + .seconds(5) < .now else { return }
            logger.error("the topic does not exist: create it, the frames wait in the spool")
            progress.missingSince = .now + .seconds(60)
        case .unknown: break
        }
    }
}

extension Duration {
    fileprivate var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
