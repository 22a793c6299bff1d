/// The first bytes of a segment.
///
/// ```
///  0  8 bytes  "TICKSEG1"
///  8  u64      sequence of the first record
/// 16  u64      sequence of the last record before this segment
/// 24  u64      when it was made, microseconds since 1970
/// 32  u64      CRC-32C of the bytes before
/// 40  u64      partitions of the topic, and their complement in the upper half; 0 until it is known
/// 48  u64      how keys are spread over them, as a number of `Spread`, and its complement likewise
/// 56  u64      0
/// ```
///
/// Within a segment each sequence is one more than the one before. Between segments there may be a
/// step, after a crash of the machine: nothing is missing when the last record before it is there.
struct SegmentHeader: Equatable {
    let firstSequence: UInt64
    let previousSequence: UInt64
    let createdMicroseconds: UInt64

    static let bytes = 64
    private static let magic = UInt64(littleEndian: 0x3147_4553_4B43_4954)

    init(firstSequence: UInt64, previousSequence: UInt64, createdMicroseconds: UInt64) {
        self.firstSequence = firstSequence
        self.previousSequence = previousSequence
        self.createdMicroseconds = createdMicroseconds
    }

    /// nil when the header is damaged.
    init?(_ segment: UnsafeRawBufferPointer) {
        guard segment.count >= Self.bytes, segment.load(as: UInt64.self) == Self.magic,
            segment.load(fromByteOffset: 32, as: UInt64.self)
                == UInt64(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: segment[..<32])))
        else { return nil }
        firstSequence = segment.load(fromByteOffset: 8, as: UInt64.self)
        previousSequence = segment.load(fromByteOffset: 16, as: UInt64.self)
        createdMicroseconds = segment.load(fromByteOffset: 24, as: UInt64.self)
    }

    func write(to memory: UnsafeMutableRawPointer) {
        memory.storeBytes(of: Self.magic, as: UInt64.self)
        memory.storeBytes(of: firstSequence, toByteOffset: 8, as: UInt64.self)
        memory.storeBytes(of: previousSequence, toByteOffset: 16, as: UInt64.self)
        memory.storeBytes(of: createdMicroseconds, toByteOffset: 24, as: UInt64.self)
        let crc = CRC32C.checksum(UnsafeRawBufferPointer(start: memory, count: 32))
        memory.storeBytes(of: UInt64(crc), toByteOffset: 32, as: UInt64.self)
    }

    /// How the records of the segment are spread over partitions; nil until the first one is sent.
    static func spread(_ segment: UnsafeRawBufferPointer) -> Spread? {
        guard let count = number(segment, at: 40), count <= Int32.max,
            let partitioner = number(segment, at: 48).flatMap(Spread.partitioner)
        else { return nil }
        return Spread(partitioner: partitioner, partitionCount: Int(count))
    }

    static func setSpread(_ spread: Spread, in memory: UnsafeMutableRawPointer) {
        // The number of partitions last: a kill in between leaves none, and nothing was sent by then.
        memory.storeBytes(of: 0, toByteOffset: 40, as: UInt64.self)
        memory.storeBytes(of: word(spread.code), toByteOffset: 48, as: UInt64.self)
        memory.storeBytes(of: word(UInt32(clamping: spread.partitionCount)), toByteOffset: 40, as: UInt64.self)
    }

    /// A number above 0 with its complement; nil for what is none.
    private static func number(_ segment: UnsafeRawBufferPointer, at offset: Int) -> UInt32? {
        let word = segment.load(fromByteOffset: offset, as: UInt64.self)
        let number = UInt32(truncatingIfNeeded: word)
        return number > 0 && UInt32(truncatingIfNeeded: word >> 32) == ~number ? number : nil
    }

    private static func word(_ number: UInt32) -> UInt64 { UInt64(number) | UInt64(~number) << 32 }
}
