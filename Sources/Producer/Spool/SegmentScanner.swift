/// Walks over the records of a segment and finds its way again behind a damaged place.
///
/// It is given any bytes at all and never reads beyond them.
struct SegmentScanner {
    enum Step {
        case record(SpoolRecord)
        /// Bytes that are no record, with a record behind them.
        case damage(bytes: Int)
        /// No record from here on.
        case end
    }

    /// Where the next record is looked for.
    private(set) var offset: Int
    /// The sequence that the next record must have.
    private(set) var expected: UInt64

    init(firstSequence: UInt64, at offset: Int = SegmentHeader.bytes) {
        expected = firstSequence
        self.offset = offset
    }

    /// - Parameter segment: all bytes of it, aligned to 8; the same ones in every call.
    mutating func next(in segment: UnsafeRawBufferPointer) -> Step {
        if let record = SpoolRecord(at: offset, of: segment, sequences: expected...expected) {
            offset += SpoolRecord.size(frameBytes: record.frame.count)
            expected = record.sequence &+ 1
            return .record(record)
        }
        guard let (found, sequence) = search(in: segment) else { return .end }
        defer { (offset, expected) = (found, sequence) }
        return .damage(bytes: found - offset)
    }

    /// The next record behind ``offset``. It can be as far ahead as records would fit in between.
    private func search(in segment: UnsafeRawBufferPointer) -> (offset: Int, sequence: UInt64)? {
        let most = UInt64(max(0, segment.count - offset) / SpoolRecord.headerBytes)
        let (last, overflows) = expected.addingReportingOverflow(most)
        guard !overflows else { return nil }
        for candidate in stride(from: offset + 8, through: segment.count - SpoolRecord.headerBytes, by: 8) {
            if let record = SpoolRecord(at: candidate, of: segment, sequences: expected...last) {
                return (candidate, record.sequence)
            }
        }
        return nil
    }
}
