import Kafka
import Logging
import Market
import Runtime
import Synchronization

/// Tells gaps in their topic, for others than the consumer, which finds each with the tick that ends it.
///
/// It has a client of its own: a right that is missing on that topic must not keep the frames back. Each
/// gap is told until Kafka has it, also by the next process: the spool's state keeps it until then. There it
/// waits with ``PendingGap/limit`` others at most; of more the oldest are never told.
final class GapOutbox: Sendable {
    typealias MakeProducer = @Sendable (_ topic: String) throws(KafkaConfigurationError) -> KafkaProducer

    private let topic: String
    private let logger: Logger
    private let makeProducer: MakeProducer
    /// The lock is for the gaps that it keeps.
    private let state: Mutex<SpoolState>
    private let producerName: String
    /// There may be gaps that the client was not given.
    private let hasNew: Atomic<Bool>
    /// The deliveries' thread's alone; there are gaps rarely enough for a lock.
    private let current: Mutex<Work>

    private struct Work {
        var client: KafkaProducer?
        /// What the client was given, by the sequence of the frame that ends it.
        var sent: [UInt64: PendingGap] = [:]
        var backoff = Backoff(base: .seconds(1), limit: .seconds(60))
        var nextTry = ContinuousClock.now
    }

    init(_ state: SpoolState, topic: String, logger: Logger, makeProducer: @escaping MakeProducer) {
        self.topic = topic
        self.logger = logger
        self.makeProducer = makeProducer
        producerName = state.producer
        hasNew = Atomic(!state.pendingGaps.isEmpty)
        self.state = Mutex(state)
        current = Mutex(Work())
    }

    /// Keeps a gap until it is told. Any thread.
    func add(_ gap: GapStart, until end: UInt64, endedBy sequence: UInt64) {
        let dropped = state.withLock { state in
            defer { hasNew.store(true, ordering: .releasing) }
            return state.keep(PendingGap(sequence: sequence, start: gap, end: end))
        }
        guard let dropped else { return }
        logger.error(
            "a gap is told with its tick alone: too many wait for their topic, whose other readers miss it",
            metadata: ["kafka.topic": "\(topic)", "gap": "\(self.gap(dropped).json)"])
    }

    /// Does what there is to do, without waiting. Called again and again by the deliveries' thread.
    func work() {
        current.withLock { work in
            guard work.client != nil || hasNew.load(ordering: .acquiring), work.nextTry < .now else { return }
            if work.client == nil { begin(&work) }
            guard work.client != nil else { return }
            if hasNew.exchange(false, ordering: .acquiringAndReleasing) { sendNew(&work) }
            while let client = work.client, client.poll(timeoutMilliseconds: 0, { handle($0, &work) }) {}
            // Gaps are rare: a client with nothing to do would only take up memory.
            if work.sent.isEmpty, !hasNew.load(ordering: .acquiring) { work.client = nil }
        }
    }

    private func begin(_ work: inout Work) {
        do throws(KafkaConfigurationError) {
            let client = try makeProducer(topic)
            if client.topicState(timeoutMilliseconds: 500) == .missing { client.requestTopic() }
            work.client = client
        } catch {
            giveUpForNow("\(error)", &work)
        }
    }

    private func sendNew(_ work: inout Work) {
        for gap in state.withLock({ $0.pendingGaps }) where work.sent[gap.sequence] != gap {
            guard let client = work.client else { return }
            do throws(KafkaError) { try send(gap, client) } catch { return giveUpForNow("\(error)", &work) }
            work.sent[gap.sequence] = gap
        }
    }

    private func gap(_ pending: PendingGap) -> Gap {
        Gap(producer: producerName, from: pending.start.from, to: pending.end, reason: pending.start.reason)
    }

    private func send(_ gap: PendingGap, _ client: KafkaProducer) throws(KafkaError) {
        let outcome = Array(producerName.utf8).withUnsafeBytes { key in
            Array(self.gap(gap).json.utf8).withUnsafeBytes { value in
                let record = KafkaProducer.Record(
                    key: key, value: value, timestampMilliseconds: Int64(clamping: gap.end / 1_000))
                return Result { () throws(KafkaError) in try client.produce(record, tag: gap.sequence) }
            }
        }
        try outcome.get()
    }

    private func handle(_ event: KafkaProducer.Event, _ work: inout Work) {
        switch event {
        case .delivered(let sequence):
            told(sequence, &work)
            work.backoff.reset()
        case .failed(_, let error) where work.client != nil: giveUpForNow("\(error)", &work)
        case .error(let error) where error.isFatal: giveUpForNow("\(error)", &work)
        case .failed: break  // of the client that was just given up
        case .error: break  // the client of the frames says the same
        case .log(let line): logger.log(line)
        }
    }

    private func told(_ sequence: UInt64, _ work: inout Work) {
        let sent = work.sent.removeValue(forKey: sequence)
        state.withLock { state in
            // A gap that has got another beginning since is told once more.
            if state.pendingGaps.contains(where: { $0.sequence == sequence && $0 == sent }) { state.forget(sequence) }
        }
    }

    private func giveUpForNow(_ reason: String, _ work: inout Work) {
        logger.error(
            """
            gaps cannot be told in their topic: its other readers miss them for now, the database has them with \
            their ticks. Check that the topic exists and may be written
            """, metadata: ["kafka.topic": "\(topic)", "reason": "\(reason)"])
        work.client?.purge()
        work.client = nil
        work.sent = [:]
        hasNew.store(true, ordering: .releasing)
        work.nextTry = .now + work.backoff.next()
    }
}
