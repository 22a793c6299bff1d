import FoundationEssentials

/// The rows of one insertAll request that have yet to land.
///
/// It learns from each answer which rows are still to be sent; it knows nothing of sockets or time.
struct InsertBatch: Sendable {
    /// Encoded rows, each with a comma behind it.
    private(set) var bytes: [UInt8] = []
    /// Where each row's comma stands in `bytes`.
    private(set) var ends: [Int] = []

    var rowCount: Int { ends.count }

    private static let head = Array(#"{"skipInvalidRows":false,"ignoreUnknownValues":false,"rows":["#.utf8)
    private static let tail = Array("]}".utf8)

    /// What a request's body has beside rows.
    static let overheadBytes = head.count + tail.count

    /// The request's body, one part behind the other.
    var bodyParts: [ArraySlice<UInt8>] { [Self.head[...], bytes.dropLast(), Self.tail[...]] }

    func body() -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(bodyBytes)
        for part in bodyParts { body.append(contentsOf: part) }
        return body
    }

    /// The size of the body.
    var bodyBytes: Int { Self.overheadBytes + max(0, bytes.count - 1) }

    /// Makes room for `bytes` of rows. A batch that grows bit by bit needs memory for itself twice.
    mutating func reserve(bytes: Int) { self.bytes.reserveCapacity(bytes) }

    /// Lets `encode` append one row; it says whether it did.
    mutating func append(_ encode: (inout [UInt8]) -> Bool) {
        if encode(&bytes) { endRow() }
    }

    private mutating func endRow() {
        ends.append(bytes.count)
        bytes.append(UInt8(ascii: ","))
    }

    /// Takes the last row off, as a batch of its own.
    mutating func removeLast() -> InsertBatch {
        let last = keeping([rowCount - 1])
        bytes.removeSubrange(range(of: rowCount - 1).lowerBound...)
        ends.removeLast()
        return last
    }

    /// Two batches with the same rows.
    func halves() -> (InsertBatch, InsertBatch) {
        let middle = rowCount / 2
        return (keeping(0..<middle), keeping(middle..<rowCount))
    }

    /// The only row of a batch that no request can carry.
    func refuseAll(reason: String) -> [RefusedRow] {
        (0..<rowCount).compactMap { refused($0, reason: reason) }
    }

    /// What a 200 said about the rows.
    struct Answer {
        /// Rows that BigQuery will never take.
        var refused: [RefusedRow] = []
        /// Why rows that could have landed did not; nil when nothing but their neighbours was wrong.
        var failure: BigQueryError?
    }

    /// Forgets the rows that landed or were refused; those to be sent again remain.
    ///
    /// A 200 does not mean that rows landed. A row without an error did; with one bad row in a
    /// request, all good ones come back as `stopped`.
    mutating func receive(_ errors: [InsertAllAnswer.RowErrors]) -> Answer {
        var answer = Answer()
        var again: Set<Int> = []
        for row in errors where row.index >= 0 && row.index < rowCount {
            let details = row.errors ?? []
            if let invalid = details.first(where: { $0.reason == "invalid" }) {
                if let refused = refused(row.index, reason: invalid.message ?? "invalid") {
                    answer.refused.append(refused)
                }
            } else {
                again.insert(row.index)
                if let other = details.first(where: { $0.reason != "stopped" }) {
                    answer.failure = BigQueryError(status: 200, reason: other.reason, message: other.message ?? "")
                }
            }
        }
        self = keeping(again.sorted())
        // Only `stopped` and nothing refused: nobody said what is wrong, so it is tried like an outage.
        if rowCount > 0, answer.refused.isEmpty, answer.failure == nil {
            answer.failure = BigQueryError(status: 200, reason: "stopped", message: "rows were stopped")
        }
        return answer
    }

    private func refused(_ row: Int, reason: String) -> RefusedRow? {
        RefusedRow(json: bytes[range(of: row)], reason: "BigQuery: \(reason)")
    }

    private func range(of row: Int) -> Range<Int> { (row == 0 ? 0 : ends[row - 1] + 1)..<ends[row] }

    private func keeping(_ rows: some Sequence<Int>) -> InsertBatch {
        var batch = InsertBatch()
        for row in rows {
            batch.bytes.append(contentsOf: bytes[range(of: row)])
            batch.endRow()
        }
        return batch
    }
}
