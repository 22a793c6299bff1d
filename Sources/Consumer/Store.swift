import Postgres

/// The consumer's side of the database: where each partition continues, and batches that go in whole.
struct Store: ~Copyable {
    private let database: PostgresConnection
    private let topic: String

    init(_ database: consuming PostgresConnection, topic: String) {
        self.database = database
        self.topic = topic
    }

    enum WriteError: Error {
        /// Another consumer moved one of the partitions: this one owns it no longer, and nothing was written.
        case superseded
        case database(PostgresError)
    }

    /// The next offset of each of `partitions` that was ever written.
    func nextOffsets(of partitions: [Int32]) throws(PostgresError) -> [Int32: Int64] {
        let result = try database.query(
            "SELECT partition, next_offset FROM kafka_offsets WHERE topic = $1 AND partition = ANY($2::int[])",
            [topic, arrayText(partitions)])
        var offsets: [Int32: Int64] = [:]
        for row in 0..<result.rowCount {
            guard let partition = result.integer(row, 0), let offset = result.integer(row, 1) else { continue }
            offsets[Int32(truncatingIfNeeded: partition)] = offset
        }
        return offsets
    }

    /// Writes rows, dead letters and offsets in one transaction.
    ///
    /// - Parameter stored: the next offset that the database had for each partition when this consumer
    ///   last looked; the transaction happens only if it still has them.
    func write(_ batch: Batch, over stored: [Int32: Int64]) throws(WriteError) {
        try database.transaction(wrap: WriteError.database) { () throws(WriteError) in
            // The offsets first: their row locks make a second owner wait here and then fail, before
            // it has sent any rows.
            try moveOffsets(batch.nextOffsets, over: stored)
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
        }
    }

    private func copy(_ text: [UInt8], _ statement: String) throws(PostgresError) {
        let outcome = text.withUnsafeBytes { bytes in
            Result { () throws(PostgresError) in try database.copyIn(statement, bytes) }
        }
        _ = try outcome.get()
    }

    /// Moves the offset of every partition of the batch, if each is where `stored` says.
    private func moveOffsets(_ next: [Int32: Int64], over stored: [Int32: Int64]) throws(WriteError) {
        let known = next.keys.filter { stored[$0] != nil }.sorted()
        let new = next.keys.filter { stored[$0] == nil }.sorted()
        let moved: Int
        do throws(PostgresError) {
            moved = try updateOffsets(of: known, to: next, from: stored)
            try insertOffsets(of: new, next)
        } catch {
            // A partition's first row can be made once: whoever comes second read the same records.
            throw error.sqlState == SQLState.uniqueViolation ? .superseded : .database(error)
        }
        guard moved == known.count else { throw .superseded }
    }

    private func updateOffsets(
        of partitions: [Int32], to next: [Int32: Int64], from stored: [Int32: Int64]
    ) throws(PostgresError) -> Int {
        guard !partitions.isEmpty else { return 0 }
        return try database.query(
            """
            UPDATE kafka_offsets SET next_offset = m.next, updated_at = now()
            FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS m (partition, expected, next)
            WHERE kafka_offsets.topic = $1 AND kafka_offsets.partition = m.partition
                AND kafka_offsets.next_offset = m.expected
            """,
            [
                topic, arrayText(partitions), arrayText(partitions.compactMap { stored[$0] }),
                arrayText(partitions.compactMap { next[$0] }),
            ]
        ).affectedRows
    }

    private func insertOffsets(of partitions: [Int32], _ next: [Int32: Int64]) throws(PostgresError) {
        guard !partitions.isEmpty else { return }
        _ = try database.query(
            """
            INSERT INTO kafka_offsets (topic, partition, next_offset)
            SELECT $1, * FROM unnest($2::int[], $3::bigint[])
            """,
            [topic, arrayText(partitions), arrayText(partitions.compactMap { next[$0] })])
    }
}

/// An array as PostgreSQL spells it: `{1,2,3}`.
private func arrayText(_ numbers: [some BinaryInteger]) -> String {
    "{\(numbers.map { "\($0)" }.joined(separator: ","))}"
}
