import Kafka
import Market

/// Records on their way into one transaction: rows and dead letters as COPY text, gaps, what the
/// exchange's sums prove of the rows, and how far each partition gets with them.
///
/// A record's digits go from Kafka's buffer into this one, and from here to the server.
struct Batch: ~Copyable {
    /// The bounds that end a batch; whichever is met first.
    struct Limits {
        var rows: Int
        var bytes: Int
        /// How long the first record may wait.
        var latency: Duration
    }

    let topics: Topics
    let limits: Limits
    /// The partitions that are read.
    private(set) var positions = Positions()
    /// Those that were not sent yet.
    private(set) var rows: [UInt8] = []
    private(set) var rowCount = 0
    private var sentBytes = 0
    private(set) var deadLetters: [UInt8] = []
    private(set) var deadLetterCounts: [DeadLetter.Kind: Int] = [:]
    private(set) var gaps = GapSpans()
    var marketHours = MarketHours()
    private var tradeHours = TradeHours()
    private(set) var repeatCount = 0
    private var recordCount = 0
    private var openedAt: ContinuousClock.Instant?
    private var timestamps = TimestampText()

    /// The columns of `rows`, in their order.
    static let columns = "time, code, trade_price, trade_volume"

    init(topics: Topics, limits: Limits) {
        self.topics = topics
        self.limits = limits
    }

    /// Begins anew, with the partitions where the database has them: what was in the batch is gone.
    mutating func begin(at positions: Positions) {
        self.positions = positions
        marketHours = MarketHours()
        removeRecords()
    }

    var hasRecords: Bool { recordCount > 0 }

    var deadLetterCount: Int { deadLetterCounts.values.reduce(0, +) }

    /// What Kafka told about the partitions, beside their records.
    mutating func reachedEnd(of source: Source, _ partition: Int32, at offset: Int64) {
        positions.reachedEnd(of: source, partition, at: offset)
    }

    mutating func learn(_ ends: [TopicPartition: PartitionEnd]) { positions.learn(ends) }

    /// Adds a record: a row, a gap, a repeat to be dropped, or a dead letter with the reason.
    ///
    /// - Returns: false when nothing was added, for a record whose offset was passed already or whose
    ///   partition is not this consumer's.
    mutating func add(_ record: SourceRecord, at now: @autoclosure () -> ContinuousClock.Instant) -> Bool {
        guard let index = positions.index(of: record.source, record.partition) else { return false }
        if !positions[index].hasRecords { positions[index].begins(at: record.receivedMicroseconds) }
        guard positions[index].pass(record.offset) else { return false }
        if openedAt == nil { openedAt = now() }
        recordCount += 1
        if let origin = record.origin {
            // Before a repeat is dropped: when a frame before it had to be given up, it comes again with the gap.
            if let gap = origin.gap { gaps.add(gap) }
            if let received = origin.receivedMicroseconds { positions[index].wasReceived(at: received) }
            if let settled = origin.settledMicroseconds { positions[index].isSettled(until: settled) }
            if positions[index].isRepeat(origin) {
                repeatCount += 1
                return true
            }
        }
        switch record.source {
        case .ticks: addTick(record, index)
        case .gaps: addGap(record)
        }
        return true
    }

    /// - Parameter index: that of its partition in `positions`.
    private mutating func addTick(_ record: SourceRecord, _ index: Int) {
        do throws(Tick.Refusal) {
            guard let value = record.value else { throw .noValue }
            let tick = try Tick(parsing: value)
            appendRow(tick, of: value)
            marketHours.add(tick, of: value)
            tradeHours.add(tick.timestampMilliseconds)
            positions[index].sawTrade(at: tick.timestampMilliseconds)
        } catch {
            appendDeadLetter(record, DeadLetter.Kind(error), error.description)
        }
    }

    private mutating func addGap(_ record: SourceRecord) {
        guard let gap = record.value.flatMap({ Gap(parsing: $0) }) else {
            return appendDeadLetter(record, .notAGap, "not a gap")
        }
        gaps.add(gap)
    }

    /// One line of COPY's text format. Nothing needs escaping: a tick has checked its bytes.
    private mutating func appendRow(_ tick: Tick, of frame: UnsafeRawBufferPointer) {
        timestamps.append(tick.timestampMilliseconds, to: &rows)
        rows.append(UInt8(ascii: "\t"))
        rows.append(contentsOf: MarketCode.column(UnsafeRawBufferPointer(rebasing: frame[tick.code])))
        rows.append(UInt8(ascii: "\t"))
        rows.append(contentsOf: frame[tick.price])
        rows.append(UInt8(ascii: "\t"))
        rows.append(contentsOf: frame[tick.volume])
        rows.append(UInt8(ascii: "\n"))
        rowCount += 1
    }

    private mutating func appendDeadLetter(_ record: SourceRecord, _ kind: DeadLetter.Kind, _ reason: String) {
        DeadLetter(
            partition: record.partition, offset: record.offset, key: record.key, value: record.value, reason: reason
        ).append(to: &deadLetters, topic: topics[record.source])
        deadLetterCounts[kind, default: 0] += 1
    }

    /// Repeats count too: a batch of nothing else must end as well.
    var isFull: Bool {
        recordCount >= limits.rows || sentBytes + rows.count + deadLetters.count >= limits.bytes || tradeHours.isFull
    }

    /// True when enough rows wait to be worth a call.
    var hasChunk: Bool { rows.count >= Self.chunkBytes }

    /// About a thousand rows.
    private static let chunkBytes = 1 << 16

    /// True when the server has rows of this batch, and so nothing else can be asked of it.
    var hasSentRows: Bool { sentBytes > 0 }

    /// `rows` are on their way to the server.
    mutating func rowsSent() {
        sentBytes += rows.count
        rows.removeAll(keepingCapacity: true)
    }

    /// When the batch has to be written at the latest; nil while it is empty.
    var deadline: ContinuousClock.Instant? { openedAt.map { $0 + limits.latency } }

    /// The batch is in the database: empties it, and keeps its memory for the next one.
    mutating func written() {
        positions.written()
        marketHours.written()
        removeRecords()
    }

    private mutating func removeRecords() {
        rows.removeAll(keepingCapacity: true)
        deadLetters.removeAll(keepingCapacity: deadLetters.capacity <= limits.bytes)
        gaps.removeAll()
        tradeHours.removeAll()
        rowCount = 0
        sentBytes = 0
        deadLetterCounts.removeAll(keepingCapacity: true)
        repeatCount = 0
        recordCount = 0
        openedAt = nil
    }
}
