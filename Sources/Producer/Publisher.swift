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
    private let isFull = Atomic(false)
    private let isFinished = Atomic(false)
    /// Why Kafka will not take any more frames.
    private let refusal = Mutex<KafkaError?>(nil)

    /// - Parameter firstSequence: larger than every number that this producer ever used.
    init(_ producer: KafkaProducer, producerID: String, firstSequence: UInt64, logger: Logger) {
        self.producer = producer
        self.producerID = Array(producerID.utf8)
        sequence = Atomic(firstSequence)
        self.logger = logger
    }

    var deliveredCount: UInt64 { delivered.load(ordering: .relaxed) }
    /// Frames that were taken and that Kafka does not have.
    var undeliveredCount: Int { Int(failed.load(ordering: .relaxed)) + producer.queueLength }
    var failure: KafkaError? { refusal.withLock { $0 } }

    /// Hands a frame on; false when librdkafka's queue is full and the frame must be given again.
    ///
    /// A frame that Kafka can never take is counted as failed, and taken.
    ///
    /// - Parameter receivedMicroseconds: when the frame came off the socket, since 1970.
    func publish(
        _ frame: UnsafeRawBufferPointer, _ key: Frame.Key, receivedMicroseconds: UInt64
    ) -> Bool {
        let number = sequence.load(ordering: .relaxed)
        do throws(KafkaError) {
            if try !produce(frame, key, sequence: number, receivedMicroseconds) {
                // The flag first, then one more try: a delivery between the two would wake nobody.
                isFull.store(true, ordering: .sequentiallyConsistent)
                if try !produce(frame, key, sequence: number, receivedMicroseconds) { return false }
            }
        } catch {
            frameFailed(number, error)
        }
        isFull.store(false, ordering: .relaxed)
        sequence.store(number + 1, ordering: .relaxed)
        return true
    }

    private func produce(
        _ frame: UnsafeRawBufferPointer, _ key: Frame.Key, sequence: UInt64, _ receivedMicroseconds: UInt64
    ) throws(KafkaError) -> Bool {
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
        do throws(KafkaError) {
            try outcome.get()
            return true
        } catch {
            guard error.code == .queueFull else { throw error }
            return false
        }
    }

    /// Counts delivery reports until ``finish(withinMilliseconds:)`` is through; blocks.
    ///
    /// - Parameters:
    ///   - onRoom: called when the queue was full and has room again.
    ///   - onFailure: called when Kafka takes no more frames, so that no more are read.
    func runDeliveries(onRoom: () -> Void, onFailure: () -> Void) {
        while !isFinished.load(ordering: .acquiring) {
            producer.poll(timeoutMilliseconds: 200) { handle($0) }
            // Behind the poll: only there are the records it told about gone from the queue.
            if isFull.load(ordering: .sequentiallyConsistent) { onRoom() }
            if failure != nil { onFailure() }
        }
    }

    /// Waits until everything is delivered, but not longer than that, and lets
    /// ``runDeliveries(onRoom:onFailure:)`` return. Blocks; any thread but that one's.
    func finish(withinMilliseconds limit: Int) {
        producer.flush(timeoutMilliseconds: limit)
        isFinished.store(true, ordering: .releasing)
        producer.wake()
    }

    private func handle(_ event: KafkaProducer.Event) {
        switch event {
        case .delivered: delivered.add(1, ordering: .relaxed)
        case .failed(let tag, let error): frameFailed(tag, error)
        case .error(let error) where error.isFatal: stopForGood(error)
        case .error(let error): logger.warning("kafka", metadata: ["kafka.error": "\(error)"])
        case .log(let line): logger.log(line)
        }
    }

    /// A frame that is too large concerns nobody but itself. Anything else (the topic was deleted, a
    /// right was taken away, the client gave up) would take all that come after it, too.
    private func frameFailed(_ number: UInt64, _ error: KafkaError) {
        failed.add(1, ordering: .relaxed)
        guard error.code == .messageTooLarge else { return stopForGood(error) }
        logger.error(
            "a frame is larger than Kafka takes", metadata: ["frame.seq": "\(number)", "kafka.error": "\(error)"])
    }

    private func stopForGood(_ error: KafkaError) {
        let isFirst = refusal.withLock { refusal in
            defer { refusal = refusal ?? error }
            return refusal == nil
        }
        if isFirst { logger.critical("Kafka takes no more frames", metadata: ["kafka.error": "\(error)"]) }
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
