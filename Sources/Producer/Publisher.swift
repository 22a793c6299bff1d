import Kafka
import Logging
import Market
import Synchronization

/// Turns frames into records: key, timestamp and headers as the contract has them, the frame's own
/// bytes as the value.
///
/// `publish` is called on the socket's thread; ``runDeliveries()`` has a thread of its own.
final class Publisher: Sendable {
    private let producer: KafkaProducer
    private let producerID: [UInt8]
    private let logger: Logger
    /// The number of the next frame. Only the socket's thread touches it.
    private let sequence: Atomic<UInt64>
    private let delivered = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)
    private let isFinishing = Atomic(false)
    private let isFull = Atomic(false)

    /// - Parameter firstSequence: larger than every number that this producer ever used.
    init(_ producer: KafkaProducer, producerID: String, firstSequence: UInt64, logger: Logger) {
        self.producer = producer
        self.producerID = Array(producerID.utf8)
        sequence = Atomic(firstSequence)
        self.logger = logger
    }

    var deliveredCount: UInt64 { delivered.load(ordering: .relaxed) }
    var failedCount: UInt64 { failed.load(ordering: .relaxed) }
    /// Frames that were taken and are not acknowledged yet.
    var pendingCount: Int { producer.queueLength }

    /// Hands a frame on; false when librdkafka's queue is full and the frame must be given again.
    ///
    /// - Parameter receivedMicroseconds: when the frame came off the socket, since 1970.
    func publish(
        _ frame: UnsafeRawBufferPointer, _ key: Frame.Key, receivedMicroseconds: UInt64
    ) throws(KafkaError) -> Bool {
        let number = sequence.load(ordering: .relaxed)
        do throws(KafkaError) {
            try produce(frame, key, sequence: number, receivedMicroseconds)
        } catch {
            guard error.code == .queueFull else { throw error }
            // The flag first, then one more try: a delivery between the two would wake nobody.
            isFull.store(true, ordering: .sequentiallyConsistent)
            do throws(KafkaError) {
                try produce(frame, key, sequence: number, receivedMicroseconds)
            } catch {
                guard error.code == .queueFull else { throw error }
                return false
            }
        }
        isFull.store(false, ordering: .relaxed)
        sequence.store(number + 1, ordering: .relaxed)
        return true
    }

    private func produce(
        _ frame: UnsafeRawBufferPointer, _ key: Frame.Key, sequence: UInt64, _ receivedMicroseconds: UInt64
    ) throws(KafkaError) {
        let outcome = withDecimalText(sequence) { sequenceText in
            withDecimalText(receivedMicroseconds) { receivedText in
                producerID.withUnsafeBytes { producerID in
                    let record = KafkaProducer.Record(
                        key: key.code.map { UnsafeRawBufferPointer(rebasing: frame[$0]) }, value: frame,
                        timestampMilliseconds: recordTimestamp(key, receivedMicroseconds),
                        headers: [("producer", producerID), ("seq", sequenceText), ("received", receivedText)])
                    return Result { () throws(KafkaError) in try producer.produce(record, tag: sequence) }
                }
            }
        }
        try outcome.get()
    }

    /// Counts delivery reports until ``finish()`` was called and nothing is pending; blocks.
    ///
    /// - Parameter onRoom: called when the queue was full and has room again.
    func runDeliveries(onRoom: () -> Void) {
        while !isFinishing.load(ordering: .acquiring) || producer.queueLength > 0 {
            producer.poll(timeoutMilliseconds: 1_000) { handle($0) }
            // Behind the poll: only there are the records it told about gone from the queue.
            if isFull.load(ordering: .sequentiallyConsistent) { onRoom() }
        }
    }

    /// Lets ``runDeliveries(onRoom:)`` return once everything is delivered. Any thread.
    func finish() {
        isFinishing.store(true, ordering: .releasing)
        producer.flushBatches()
        producer.wake()
    }

    private func handle(_ event: KafkaProducer.Event) {
        switch event {
        case .delivered: delivered.add(1, ordering: .relaxed)
        case .failed(let tag, let error):
            failed.add(1, ordering: .relaxed)
            logger.error(
                "a frame was not delivered", metadata: ["frame.seq": "\(tag)", "kafka.error": "\(error)"])
        case .error(let error) where error.isFatal:
            logger.critical("kafka's client cannot go on", metadata: ["kafka.error": "\(error)"])
        case .error(let error): logger.warning("kafka", metadata: ["kafka.error": "\(error)"])
        case .log(let line): logger.log(line)
        }
    }
}

/// When the trade happened, in milliseconds; when the frame came, if the trade is yet to happen.
///
/// A broker of version 4 refuses records that are an hour ahead of its clock
/// (`message.timestamp.after.max.ms`), with the whole batch that they are in: one odd frame would
/// take good ones with it. Half of that hour is left for clocks that differ.
private func recordTimestamp(_ key: Frame.Key, _ receivedMicroseconds: UInt64) -> Int64 {
    let received = Int64(receivedMicroseconds / 1_000)
    guard let trade = key.timestampMilliseconds, trade < received + 1_800_000 else { return received }
    return trade
}

/// Calls `body` with the number's decimal text, which lives on the stack for that long.
private func withDecimalText<Result>(_ number: UInt64, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
        var start = digits.count
        var rest = number
        repeat {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        return body(UnsafeRawBufferPointer(rebasing: digits[start...]))
    }
}
