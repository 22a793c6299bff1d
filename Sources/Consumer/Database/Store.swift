import Kafka
import Postgres

/// The consumer's side of the database: where each partition continues, and batches that go in whole.
struct Store: ~Copyable {
    let database: PostgresConnection
    let topics: Topics
    /// True between the first rows of a batch and its end: its transaction and its COPY are open.
    private var isCopying = false

    init(_ database: consuming PostgresConnection, topics: Topics) {
        self.database = database
        self.topics = topics
    }

    enum WriteError: Error {
        /// Another consumer moved one of the partitions: this one owns it no longer, and nothing was written.
        case superseded
        case database(PostgresError)
    }

    /// Sends the rows that the batch has by now, so that the server writes them while more are read.
    ///
    /// Nobody sees them before ``write(_:)``. No row is locked until then, but a new chunk is.
    mutating func sendRows(of batch: inout Batch) throws(PostgresError) {
        if !isCopying {
            try database.execute("BEGIN")
            try database.startCopyIn("COPY trade_data (\(Batch.columns)) FROM STDIN")
            isCopying = true
        }
        try withBytes(of: batch.rows) { bytes throws(PostgresError) in try database.sendCopyData(bytes) }
        batch.rowsSent()
    }

    /// Writes rows, dead letters, gaps, figures and positions in one transaction, if each partition is still
    /// where the batch began.
    mutating func write(_ batch: inout Batch) throws(WriteError) {
        do throws(PostgresError) {
            if batch.rowCount > 0 { try sendRows(of: &batch) } else { try database.execute("BEGIN") }
        } catch {
            throw .database(error)
        }
        try database.openTransaction(wrap: WriteError.database) { () throws(WriteError) in
            do throws(PostgresError) {
                if isCopying {
                    isCopying = false
                    _ = try database.endCopyIn()
                }
                if batch.deadLetterCount > 0 {
                    try withBytes(of: batch.deadLetters) { bytes throws(PostgresError) in
                        _ = try database.copyIn("COPY dead_letters (\(DeadLetter.columns)) FROM STDIN", bytes)
                    }
                }
            } catch {
                throw .database(error)
            }
            // What locks rows comes last: a consumer that stalls while it copies holds up only who needs its new chunk.
            try move(batch.positions.news)
            do throws(PostgresError) {
                try write(batch.gaps)
                try batch.marketHours.write(to: database)
            } catch {
                throw .database(error)
            }
        }
    }

    /// Forgets the rows that were sent of a batch that is not to be written.
    mutating func abandon() throws(PostgresError) {
        guard isCopying else { return }
        isCopying = false
        try database.execute("ROLLBACK")
    }

    /// A gap that was told before gets the later end.
    private func write(_ gaps: GapSpans) throws(PostgresError) {
        guard gaps.count > 0 else { return }
        _ = try database.query(
            """
            INSERT INTO gaps (producer, started_at, ended_at, reason)
            SELECT producer, 'epoch'::timestamptz + "from" * interval '1 microsecond',
                'epoch'::timestamptz + "to" * interval '1 microsecond', reason
            FROM jsonb_to_recordset($1::jsonb) AS gap (producer text, "from" bigint, "to" bigint, reason text)
            ON CONFLICT (producer, started_at) DO UPDATE SET ended_at = greatest(gaps.ended_at, excluded.ended_at)
            """, [gaps.json])
    }
}

/// As `withUnsafeBytes`, which does not know typed errors.
private func withBytes(
    of bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Void
) throws(PostgresError) {
    let outcome = bytes.withUnsafeBytes { bytes in
        Result { () throws(PostgresError) in try body(bytes) }
    }
    try outcome.get()
}
