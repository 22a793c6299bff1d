/// Knows below which sequence everything is delivered, whatever the order of the reports.
///
/// A ring of bits stands for the sequences from ``deliveredBelow`` on. It grows with the number of
/// records that are on their way at once, which librdkafka's queue bounds.
struct DeliveryTracker {
    private(set) var deliveredBelow: UInt64
    /// One bit a sequence, of which `deliveredBelow`'s is at ``head``.
    private var bits: [UInt64] = [0, 0]
    private var head = 0
    /// Sequences that were never used, or whose frames are lost: they do not take up bits.
    private var skipped: [Range<UInt64>] = []

    init(deliveredBelow: UInt64) { self.deliveredBelow = deliveredBelow }

    /// A frame was delivered.
    mutating func delivered(_ sequence: UInt64) {
        guard sequence >= deliveredBelow else { return }
        let distance = Int(clamping: sequence - deliveredBelow - skippedCount(below: sequence))
        while distance >= bits.count * 64 { grow() }
        let bit = (head + distance) & (bits.count * 64 - 1)
        bits[bit >> 6] |= 1 << UInt64(bit & 63)
        if distance == 0 { advance() }
    }

    /// No report will ever come for these: they count as delivered with the next frame behind them, which
    /// is what tells that they are missing. Told in rising order, before any report from behind them; once
    /// more when the frames around them are sent once more.
    mutating func skip(_ sequences: Range<UInt64>) {
        guard sequences.upperBound > deliveredBelow, !skipped.contains(where: { $0.overlaps(sequences) }) else {
            return
        }
        skipped.append(max(sequences.lowerBound, deliveredBelow)..<sequences.upperBound)
    }

    private func skippedCount(below sequence: UInt64) -> UInt64 {
        skipped.reduce(0) { $0 + ($1.lowerBound < sequence ? $1.upperBound - $1.lowerBound : 0) }
    }

    private mutating func advance() {
        while bits[head >> 6] & 1 << UInt64(head & 63) != 0 {
            bits[head >> 6] &= ~(1 << UInt64(head & 63))
            head = (head + 1) & (bits.count * 64 - 1)
            jump()
            deliveredBelow += 1
        }
    }

    /// Over what does not come, to the frame behind it.
    private mutating func jump() {
        while let first = skipped.first, first.lowerBound <= deliveredBelow {
            deliveredBelow = max(deliveredBelow, first.upperBound)
            skipped.removeFirst()
        }
    }

    /// Twice the bits, with the first one in its place again.
    private mutating func grow() {
        let old = bits
        let (count, mask) = (old.count * 64, old.count * 64 - 1)
        bits = [UInt64](repeating: 0, count: old.count * 2)
        for distance in 0..<count {
            let bit = (head + distance) & mask
            if old[bit >> 6] & 1 << UInt64(bit & 63) != 0 { bits[distance >> 6] |= 1 << UInt64(distance & 63) }
        }
        head = 0
    }
}
