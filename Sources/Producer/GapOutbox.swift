import Kafka
import Logging
import Market
import Runtime
import Synchronization

/// Tells gaps to Kafka, with a client of its own: a right that is missing on their topic must not keep
/// the frames back. Each is told until Kafka has it.
///
/// Until then the frame that ends the gap stays in the spool, so no gap is lost with the process.
final class GapOutbox: Sendable {
    typealias MakeProducer = @Sendable (_ topic: String) throws(KafkaConfigurationError) -> KafkaProducer

    private let topic: String
    private let logger: Logger
    private let makeProducer: MakeProducer
    private let added = Mutex<[UInt64: Gap]>([:])
    private let hasAdded = Atomic(false)
    /// The deliveries' thread's alone; there are gaps rarely enough for a lock.
    private let work: Mutex<Work>

    private struct Work {
        /// By the sequence of the frame that ends it.
        var pending: [UInt64: Gap] = [:]
        var client: KafkaProducer?
        var backoff = Backoff(base: .seconds(1), limit: .seconds(60))
        var nextTry = ContinuousClock.now
    }

    init(topic: String, logger: Logger, makeProducer: @escaping MakeProducer) {
        self.topic = topic
        self.logger = logger
        self.makeProducer = makeProducer
        work = Mutex(Work())
    }

    /// Any thread.
    func add(_ gap: Gap, endedBy sequence: UInt64) {
        added.withLock { $0[sequence] = gap }
        hasAdded.store(true, ordering: .releasing)
    }

    /// Does what there is to do, without waiting. Called again and again by the deliveries' thread.
    ///
    /// - Parameter onDelivered: gets the sequence of the frame that ends the gap.
    func work(onDelivered: (UInt64) -> Void) {
        work.withLock { work in
            if hasAdded.exchange(false, ordering: .acquiring) { take(&work) }
            guard !work.pending.isEmpty, work.nextTry < .now else { return }
            if work.client == nil { begin(&work) }
            while let client = work.client, client.poll(timeoutMilliseconds: 0, { handle($0, &work, onDelivered) }) {}
            // Gaps are rare: a client with nothing to do would only take up memory.
            if work.pending.isEmpty { work.client = nil }
        }
    }

    private func take(_ work: inout Work) {
        let new = added.withLock { added in
            defer { added = [:] }
            return added
        }
        for (sequence, gap) in new { work.pending[sequence] = gap }
        if let client = work.client { send(new, client, &work) }
    }

    private func begin(_ work: inout Work) {
        do throws(KafkaConfigurationError) {
            let client = try makeProducer(topic)
            work.client = client
            if client.topicState(timeoutMilliseconds: 500) == .missing { client.requestTopic() }
            send(work.pending, client, &work)
        } catch {
            giveUpForNow("\(error)", &work)
        }
    }

    private func send(_ gaps: [UInt64: Gap], _ client: KafkaProducer, _ work: inout Work) {
        for (sequence, gap) in gaps.sorted(by: { $0.key < $1.key }) {
            do throws(KafkaError) { try send(gap, sequence, client) } catch { return giveUpForNow("\(error)", &work) }
        }
    }

    private func send(_ gap: Gap, _ sequence: UInt64, _ client: KafkaProducer) throws(KafkaError) {
        let outcome = Array(gap.producer.utf8).withUnsafeBytes { key in
            Array(gap.json.utf8).withUnsafeBytes { value in
                let record = KafkaProducer.Record(
                    key: key, value: value, timestampMilliseconds: Int64(clamping: gap.to / 1_000))
                return Result { () throws(KafkaError) in try client.produce(record, tag: sequence) }
            }
        }
        try outcome.get()
    }

    private func handle(_ event: KafkaProducer.Event, _ work: inout Work, _ onDelivered: (UInt64) -> Void) {
        switch event {
        case .delivered(let sequence):
            work.pending[sequence] = nil
            work.backoff.reset()
            onDelivered(sequence)
        case .failed(_, let error) where work.client != nil: giveUpForNow("\(error)", &work)
        case .error(let error) where error.isFatal: giveUpForNow("\(error)", &work)
        case .failed: break  // of the client that was just given up
        case .error: break  // the client of the frames says the same
        case .log(let line): logger.log(line)
        }
    }

    private func giveUpForNow(_ reason: String, _ work: inout Work) {
        logger.error(
            "gaps cannot be told, and keep the spool from getting smaller: check that the topic exists and may be written",
            metadata: ["kafka.topic": "\(topic)", "reason": "\(reason)"])
        work.client?.purge()
        work.client = nil
        work.nextTry = .now + work.backoff.next()
    }
}
