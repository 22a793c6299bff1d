/// What comes back with a delivery report: the frame's sequence, and whether it ends a gap.
struct RecordTag: Equatable {
    let sequence: UInt64
    let endsGap: Bool

    init(_ sequence: UInt64, endsGap: Bool) {
        self.sequence = sequence
        self.endsGap = endsGap
    }

    /// For librdkafka: one bit more than the sequence.
    var word: UInt64 { sequence << 1 | (endsGap ? 1 : 0) }

    init(word: UInt64) {
        sequence = word >> 1
        endsGap = word & 1 == 1
    }
}
