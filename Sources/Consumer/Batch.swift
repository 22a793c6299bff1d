import Market

/// Records on their way into one transaction: rows and dead letters as COPY text, and how far each
/// partition gets with them.
///
/// A record's digits go from Kafka's buffer into this one, and from here to the server.
struct Batch {
    /// The bounds that end a batch; whichever is met first.
    struct Limits {
        var rows: Int
        var bytes: Int
        /// How long the first record may wait.
        var latency: Duration
    }

    let topic: String
    let limits: Limits
    private(set) var rows: [UInt8] = []
    private(set) var rowCount = 0
    private(set) var deadLetters: [UInt8] = []
    private(set) var deadLetterCount = 0
    /// The next offset of each partition that has a record in the batch.
    private(set) var nextOffsets: [Int32: Int64] = [:]
    private var openedAt: ContinuousClock.Instant?
    private var timestamps = TimestampText()

    /// The columns of `rows`, in their order.
    static let columns = "time, code, trade_price, trade_volume"

    init(topic: String, limits: Limits) {
        self.topic = topic
        self.limits = limits
    }

    var isEmpty: Bool { nextOffsets.isEmpty }

    /// Adds a record: a row, or a dead letter with the reason why not.
    mutating func add(
        partition: Int32, offset: Int64, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        at now: @autoclosure () -> ContinuousClock.Instant
    ) {
        if openedAt == nil { openedAt = now() }
        nextOffsets[partition] = offset + 1
        do throws(Tick.Refusal) {
            guard let value else { throw .noValue }
            appendRow(try Tick(parsing: value), of: value)
        } catch {
            DeadLetter(partition: partition, offset: offset, key: key, value: value, reason: error.description)
                .append(to: &deadLetters, topic: topic)
            deadLetterCount += 1
        }
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

    var isFull: Bool {
        rowCount + deadLetterCount >= limits.rows || rows.count + deadLetters.count >= limits.bytes
    }

    /// When the batch has to be written at the latest; nil while it is empty.
    var deadline: ContinuousClock.Instant? { openedAt.map { $0 + limits.latency } }

    /// Empties the batch and keeps its memory for the next one.
    mutating func removeAll() {
        rows.removeAll(keepingCapacity: true)
        deadLetters.removeAll(keepingCapacity: deadLetters.capacity <= limits.bytes)
        nextOffsets.removeAll(keepingCapacity: true)
        rowCount = 0
        deadLetterCount = 0
        openedAt = nil
    }
}
