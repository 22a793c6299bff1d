/// What comes back with a delivery report: the frame's sequence, and which of its parts was delivered.
struct RecordTag: Equatable {
    enum Kind: UInt64 {
        /// A frame that ends no gap.
        case frame, frameWithGap, gap
    }

    let sequence: UInt64
    let kind: Kind

    init(_ sequence: UInt64, _ kind: Kind) {
        self.sequence = sequence
        self.kind = kind
    }

    /// For librdkafka, in two bits more than the sequence.
    var word: UInt64 { sequence << 2 | kind.rawValue }

    init(word: UInt64) {
        sequence = word >> 2
        kind = Kind(rawValue: word & 3) ?? .frame
    }
}
