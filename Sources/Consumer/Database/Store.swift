import Kafka
import Postgres

/// The consumer's side of the database: where each partition continues, and batches that go in whole.
struct Store: ~Copyable {
    let database: PostgresConnection
    let topics: Topics

    init(_ database: consuming PostgresConnection, topics: Topics) {
        self.database = database
        self.topics = topics
    }

    enum WriteError: Error {
        /// Another consumer moved one of the partitions: this one owns it no longer, and nothing was written.
        case superseded
        case database(PostgresError)
    }

    /// Writes rows, dead letters, gaps, figures and positions in one transaction, if each partition is still
    /// where the batch began.
    func write(_ batch: inout Batch) throws(WriteError) {
        try database.transaction(wrap: WriteError.database) { () throws(WriteError) in
            do throws(PostgresError) {
                if batch.rowCount > 0 {
                    try copy(batch.rows, "COPY trade_data (\(Batch.columns)) FROM STDIN")
                }
                if batch.deadLetterCount > 0 {
                    try copy(batch.deadLetters, "COPY dead_letters (\(DeadLetter.columns)) FROM STDIN")
                }
            } catch {
                throw .database(error)
            }
            // What locks rows comes last: a consumer that stalls while it copies holds up nobody.
            try move(batch.positions.news)
            do throws(PostgresError) {
                try write(batch.gaps)
                try batch.marketHours.write(to: database)
            } catch {
                throw .database(error)
            }
        }
    }

    private func copy(_ text: [UInt8], _ statement: String) throws(PostgresError) {
        let outcome = text.withUnsafeBytes { bytes in
            Result { () throws(PostgresError) in try database.copyIn(statement, bytes) }
        }
        _ = try outcome.get()
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
