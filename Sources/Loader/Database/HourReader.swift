import Postgres
import Runtime

/// Reads one hour from the source, a batch at a time, when it is asked for one.
///
/// It owns a connection on a thread of its own. Memory does not depend on the hour's size: libpq hands
/// out one row at a time, and when nobody asks for a batch nothing is read.
actor HourReader {
    /// How large a batch may become.
    struct Bounds: Sendable {
        var rows: Int
        /// Of the request's body, uncompressed.
        var bytes: Int
        /// Rejected rows that are handed over at once, so that an hour of nothing but bad rows is bounded, too.
        var rejects = 1_000
    }

    /// A batch for the warehouse, and the rows met on the way that are not for it.
    struct Reading: Sendable {
        var batch = InsertBatch()
        var rejected: [RejectedRow] = []
        /// True for the hour's first batch with a row in it.
        var isFirstBatch = false

        var isEmpty: Bool { batch.rowCount == 0 && rejected.isEmpty }
    }

    private nonisolated let thread: DedicatedThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private let connection: PostgresConnection
    private let bounds: Bounds
    private let encoder: RowEncoder
    private var carried: InsertBatch?
    private var isAtEnd = false
    private var hasHandedOutRows = false
    /// What the largest batch so far took.
    private var likelyBytes = 0
    private var running = RunningTotals()
    private var nextOrdinal = 0

    /// Connects and starts to read the hour of `load`, all of it from one snapshot.
    static func open(
        _ configuration: PostgresConfiguration, load: Load, bounds: Bounds
    ) async throws -> HourReader {
        let thread = DedicatedThread(name: "reader")
        // It stops reading while BigQuery is slow. To the server's kernel a reader that pauses for longer than
        // this limit looks like one that is gone, although it answers; 0 is the kernel's own limit.
        var configuration = configuration
        configuration.sessionSettings.append(("tcp_user_timeout", "0"))
        return try await thread.run { [configuration] in
            try HourReader(configuration, load: load, bounds: bounds, thread: thread)
        }
    }

    private init(
        _ configuration: PostgresConfiguration, load: Load, bounds: Bounds, thread: DedicatedThread
    ) throws {
        connection = try PostgresConnection(configuration)
        self.bounds = bounds
        self.thread = thread
        encoder = RowEncoder(load: load, rowBytesLimit: bounds.bytes - InsertBatch.overheadBytes)
        try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        // The text of an hour is made of digits here, so it can stand in the statement; COPY takes no
        // parameters. `COPY trade_data` would copy nothing: a hypertable's rows are in its chunks.
        try connection.startCopyOut(
            """
            COPY (SELECT time, code, trade_price, trade_volume FROM trade_data
                WHERE time >= timestamptz '\(load.hour.start)' AND time < timestamptz '\(load.hour.next.start)')
            TO STDOUT
            """)
    }

    /// The rows that were handed out, without the rejected ones.
    var totals: RunningTotals { running }

    /// The next batch; nil when the hour has been read to its end.
    func next() throws -> Reading? {
        var reading = Reading()
        if let carried { reading.batch = carried }
        carried = nil
        reading.batch.reserve(bytes: likelyBytes)
        while !isAtEnd, reading.batch.rowCount < bounds.rows, reading.rejected.count < bounds.rejects {
            guard try readRow(into: &reading) else {
                isAtEnd = true
                break
            }
            if reading.batch.bodyBytes > bounds.bytes {
                carried = reading.batch.removeLast()
                break
            }
        }
        // Rows of an hour are about as long as each other; a little more, so that it need not grow for a few.
        likelyBytes = max(likelyBytes, reading.batch.bodyBytes + reading.batch.bodyBytes / 32)
        reading.isFirstBatch = !hasHandedOutRows && reading.batch.rowCount > 0
        hasHandedOutRows = hasHandedOutRows || reading.isFirstBatch
        return reading.isEmpty ? nil : reading
    }

    private func readRow(into reading: inout Reading) throws -> Bool {
        try connection.nextCopyRow { line in
            reading.batch.append { body in
                switch encoder.append(line, ordinal: nextOrdinal, to: &body) {
                case .encoded(let price, let volume):
                    running.add(price: price, volume: volume)
                    nextOrdinal += 1
                    return true
                case .rejected(let reason):
                    let fields = line.last == UInt8(ascii: "\n") ? line.dropLast() : line[...]
                    reading.rejected.append(RejectedRow(copyFields: Array(fields), reason: reason))
                    return false
                }
            }
        }
    }
}
