import Kafka
import Logging
import Market
import Runtime

/// Sends what is in the spool to Kafka, in the order of its sequences: the frame's own bytes as the
/// value; key, timestamp and headers as the contract has them. Used by the socket's thread.
///
/// A frame that is appended while nothing waits before it is sent at once, without being read again.
final class Publisher {
    private let spool: Spool
    private let deliveries: Deliveries
    private let gaps: GapOutbox
    private let partitioner: Partitioner
    private let producerName: [UInt8]
    private let metrics: ProducerMetrics
    private let logger: Logger
    private var client: KafkaProducer?
    private var opening = PartitionOpening()
    private var cursor: SpoolCursor
    private var isReadingBroken = false
    /// Gaps that end up to here are in the outbox, which has to be told once of each.
    private var gapsAddedUntil: UInt64 = 0
    /// Frames up to here are counted, as lost or as the end of a gap: what comes again, from the spool and with
    /// another client, is not counted again.
    private var lossesCountedUntil: UInt64 = 0
    private var gapsCountedUntil: UInt64 = 0
    private var settlement = Settlement()
    private var refusals = Refusals()
    /// What the client at hand was given last.
    private var lastSent: UInt64 = 0
    /// The span of frames that are given up, which the next one that is sent has to tell.
    private var lost: GapStart?

    /// How many waiting frames are sent before the socket has its turn again.
    private static let chunk = 500

    init(
        _ spool: Spool, _ deliveries: Deliveries, _ gaps: GapOutbox, _ partitioner: Partitioner,
        _ metrics: ProducerMetrics, logger: Logger
    ) {
        self.spool = spool
        self.gaps = gaps
        self.deliveries = deliveries
        self.partitioner = partitioner
        self.metrics = metrics
        self.logger = logger
        producerName = Array(spool.state.producer.utf8)
        cursor = SpoolCursor(spool)
    }

    /// How many sequences are not known to be delivered.
    var waitingCount: UInt64 { spool.state.waitingFrames }

    /// Why nothing more is to be read; see ``Spool/full``.
    var spoolFull: Spool.Full? { spool.full }

    /// Keeps a frame in the spool, and sends it when it is its turn.
    ///
    /// - Throws: when there is no room at all, as can only be when more was read although ``spoolFull`` was told; the
    ///   frame was not taken.
    func publish(
        _ frame: UnsafeRawBufferPointer, _ key: Frame.Key, receivedMicroseconds: UInt64, gap: GapStart?
    ) throws(Spool.Full) {
        let (isAtEnd, isNext) = (cursor.isAtEnd(of: spool), cursor.isNext(in: spool))
        let sequence = try spool.append(frame, receivedMicroseconds: receivedMicroseconds, gap: gap)
        if isNext, client != nil {
            let record = SpoolRecord(
                sequence: sequence, receivedMicroseconds: receivedMicroseconds, gap: gap, frame: frame)
            if send(record, key, spool.active) { cursor.moveToEnd(of: spool) }
        } else if isAtEnd {
            // What is missing before it is told first; and with nothing on its way, nothing else wakes this thread.
            _ = sendWaiting()
        }
        if spool.isInHeadroom, spool.full == nil { makeRoom() }
    }

    /// Sees to it that there is room for what the next read of the socket brings, or ``spoolFull`` says why not.
    func makeRoom() {
        let isNext = cursor.isNext(in: spool)
        spool.makeRoom()
        // It may end in another segment now.
        if isNext { cursor.moveToEnd(of: spool) }
    }

    /// Sends some of what waits.
    ///
    /// - Returns: true when there is more that could be sent at once.
    func sendWaiting() -> Bool {
        changeClient()
        guard client != nil else { return false }
        do throws(SpoolError) {
            for _ in 0..<Self.chunk {
                guard let item = try cursor.peek(in: spool) else { return false }
                if let hole = item.hole { report(hole) }
                if refusals.givenUp.contains(item.record.sequence) {
                    leaveOut(item.record)
                    cursor.advance()
                    continue
                }
                guard case .data(let key) = Frame(item.record.frame) else {
                    // Only data are kept, so this is one that a later version would not take for data.
                    guard send(item.record, Frame.Key(), item.segment) else { return false }
                    cursor.advance()
                    continue
                }
                guard send(item.record, key, item.segment) else { return false }
                cursor.advance()
            }
            isReadingBroken = false
            return true
        } catch {
            if !isReadingBroken { logger.error("the spool cannot be read", metadata: ["reason": "\(error)"]) }
            isReadingBroken = true
            // Nothing else may come that would wake this thread.
            deliveries.queueIsFull()
            return false
        }
    }

    /// Waits until Kafka has what was handed to it, but not longer than that. What is left stays in the
    /// spool. Blocks.
    func finish(withinMilliseconds limit: Int) {
        client?.flush(timeoutMilliseconds: limit)
        client = nil
        deliveries.returned()
        deliveries.finish()
    }

    private func changeClient() {
        if client != nil, deliveries.isClientBroken {
            client = nil
            opening = PartitionOpening()
            cursor = SpoolCursor(spool)
            gapsAddedUntil = 0
            lastSent = 0
            lost = nil
            deliveries.returned()
        }
        if client == nil {
            client = deliveries.takeClient()
            refusals = deliveries.refusals
        }
    }

    /// Passes over a frame that Kafka never takes. It stays in the spool until the one that tells of it is
    /// delivered, so a kill in between silences nothing.
    private func leaveOut(_ record: SpoolRecord) {
        let own = record.gap ?? GapStart(from: record.receivedMicroseconds, reason: .refused)
        lost = (lost ?? own).joined(with: own)
        deliveries.skip(record.sequence..<record.sequence + 1)
    }

    private func report(_ hole: SpoolCursor.Hole) {
        deliveries.skip(hole.sequences)
        guard let file = hole.damagedFile, countLosses(hole.sequences) else { return }
        logger.error(
            "the spool is damaged: frames are lost; what there is of the file is kept with .corrupt behind its name",
            metadata: [
                "spool.file": "\(file)", "frames.lost": "\(hole.sequences.count)",
                "frames.seq": "\(hole.sequences.lowerBound)",
            ])
    }

    /// - Returns: false when they were counted before.
    @discardableResult
    private func countLosses(_ sequences: Range<UInt64>) -> Bool {
        guard sequences.lowerBound > lossesCountedUntil else { return false }
        metrics.framesLost.add(sequences.count)
        lossesCountedUntil = sequences.upperBound - 1
        return true
    }

    // MARK: - Records

    /// - Returns: false when it was not taken; whoever has room or a client then wakes this thread.
    private func send(_ record: SpoolRecord, _ key: Frame.Key, _ segment: MappedSegment) -> Bool {
        guard let client, !isHeldBack, let spread = spread(of: segment) else { return false }
        var record = record
        if let lost {
            let gap = (record.gap ?? lost).joined(with: lost)
            record.gap = GapStart(from: min(gap.from, record.receivedMicroseconds), reason: gap.reason)
        }
        addGap(endedBy: record)
        do throws(KafkaError) {
            if try !produce(record, key, spread, client) {
                // The flag first, then one more try: a delivery between the two would wake nobody.
                deliveries.queueIsFull()
                if try !produce(record, key, spread, client) { return false }
                deliveries.queueHasRoom()
            }
            lost = nil
            lastSent = record.sequence
            return true
        } catch {
            guard error.code == .messageTooLarge else {
                deliveries.fail(error)
                return false
            }
            countLosses(record.sequence..<record.sequence + 1)
            deliveries.logLoss(of: record.sequence, error)
            leaveOut(record)
            return true
        }
    }

    /// A client that sends one by one gets no more than it has to, or what it has on its way when it is replaced
    /// would be sent twice. When its last frame is missing, it has to have the one behind, which tells so.
    private var isHeldBack: Bool { refusals.isolatedUntil.map { lastSent >= $0 } ?? false }

    /// Before the record is sent: it is let go when Kafka has it, and the outbox must know of the gap by then.
    private func addGap(endedBy record: SpoolRecord) {
        guard let gap = record.gap, record.sequence > gapsAddedUntil else { return }
        gaps.add(gap, until: record.receivedMicroseconds, endedBy: record.sequence)
        gapsAddedUntil = record.sequence
        count(gap, endedBy: record)
    }

    /// Gaps of other reasons were counted when the frame was received, or by an earlier process.
    private func count(_ gap: GapStart, endedBy record: SpoolRecord) {
        guard [.refused, .spoolDamaged].contains(gap.reason), record.sequence > gapsCountedUntil else { return }
        metrics.gapEnded(gap, at: record.receivedMicroseconds)
        gapsCountedUntil = record.sequence
    }

    private func gap(endedBy record: SpoolRecord) -> Gap? {
        record.gap.map {
            Gap(
                producer: spool.state.producer, from: $0.from, to: record.receivedMicroseconds, reason: $0.reason)
        }
    }

    /// How the segment's frames are spread over partitions: as before, when some were sent already. A topic
    /// has fewer partitions than before only when it was made anew, without what was sent before.
    private func spread(of segment: MappedSegment) -> Spread? {
        guard let count = deliveries.partitionCount else { return nil }
        if let then = segment.spread, then.partitionCount <= count { return then }
        let now = Spread(partitioner: partitioner, partitionCount: count)
        segment.spread = now
        deliveries.refreshPartitionCount()
        return now
    }

    private func timestampMilliseconds(of record: SpoolRecord, _ key: Frame.Key) -> Int64 {
        record.sequence <= refusals.restampedUntil
            ? Int64(clamping: microsecondsSince1970() / 1_000) : recordTimestamp(key, record.receivedMicroseconds)
    }

    /// - Returns: false when it was not taken for now.
    private func produce(
        _ record: SpoolRecord, _ key: Frame.Key, _ spread: Spread, _ client: KafkaProducer
    ) throws(KafkaError) -> Bool {
        let code = key.code.map { UnsafeRawBufferPointer(rebasing: record.frame[$0]) }
        let partition = spread.partition(of: code)
        let deliveredBelow = spool.state.deliveredBelow
        guard opening.admits(partition, deliveredBelow: deliveredBelow) else { return false }
        let settled = settlement.told(by: record, deliveredBelow: deliveredBelow)
        do throws(KafkaError) {
            try produceFrame(record, key, code, partition, settled, client)
            opening.sent(record.sequence, to: partition)
            settlement.sent(record, told: settled)
            return true
        } catch {
            guard error.code == .queueFull else { throw error }
            return false
        }
    }

    private func produceFrame(
        _ record: SpoolRecord, _ key: Frame.Key, _ code: UnsafeRawBufferPointer?, _ partition: Int32,
        _ settled: UInt64?, _ client: KafkaProducer
    ) throws(KafkaError) {
        // These two are rare enough for arrays.
        let gapHeader = gap(endedBy: record).map { Array($0.header.utf8) } ?? []
        let settledHeader = settled.map { Array("\($0)".utf8) } ?? []
        let outcome = withDecimalText(record.sequence) { sequence in
            withDecimalText(record.receivedMicroseconds) { received in
                producerName.withUnsafeBytes { name in
                    withUnsafeBytes(of: gapHeader, settledHeader) { gap, settled in
                        var message = KafkaProducer.Record(
                            partition: partition, key: code, value: record.frame,
                            timestampMilliseconds: timestampMilliseconds(of: record, key),
                            headers: [("producer", name), ("seq", sequence), ("received", received)])
                        if !gap.isEmpty { message.headers.append((Gap.headerName, gap)) }
                        if !settled.isEmpty { message.headers.append(("settled", settled)) }
                        return Result { () throws(KafkaError) in try client.produce(message, tag: record.sequence) }
                    }
                }
            }
        }
        try outcome.get()
    }
}

/// When the trade happened, in milliseconds; when the frame came, if the trade is yet to happen.
///
/// A broker of version 4 refuses records that are an hour ahead of its clock
/// (`message.timestamp.after.max.ms`), with the whole batch that they are in: one odd frame would
/// take good ones with it. Half of that hour is left for clocks that differ.
private func recordTimestamp(_ key: Frame.Key, _ receivedMicroseconds: UInt64) -> Int64 {
    let received = Int64(clamping: receivedMicroseconds / 1_000)
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

private func withUnsafeBytes<Result>(
    of first: [UInt8], _ second: [UInt8], _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
) -> Result {
    first.withUnsafeBytes { first in second.withUnsafeBytes { body(first, $0) } }
}
