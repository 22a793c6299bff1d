import Market
import Synchronization

/// A frame as the spool keeps it.
///
/// ```
///  0  u32  bytes from `sequence` to the end of the frame
///  4  u32  CRC-32C of those bytes
///  8  u64  sequence
/// 16  u64  received, microseconds since 1970
/// 24  u64  where the gap that this frame ends began, microseconds since 1970
/// 32  u64  why, as a number; 0 when this frame ends no gap
/// 40       the frame, and zeroes up to a multiple of 8
/// ```
///
/// Numbers are in the byte order of the machine: a spool does not travel. The first two are stored last
/// and as one word, so a record is there or it is not, at whatever instruction the process is killed.
struct SpoolRecord {
    let sequence: UInt64
    let receivedMicroseconds: UInt64
    /// The gap that this frame ends.
    var gap: GapStart?
    /// Points into the segment.
    let frame: UnsafeRawBufferPointer

    static let headerBytes = 40
    fileprivate static let checkedFrom = 8

    /// How many bytes of a segment a frame takes.
    static func size(frameBytes: Int) -> Int { (headerBytes + frameBytes + 7) & ~7 }

    /// Writes a record to zeroed memory that is aligned to 8 bytes and large enough.
    static func write(
        _ frame: UnsafeRawBufferPointer, sequence: UInt64, receivedMicroseconds: UInt64, gap: GapStart?,
        to memory: UnsafeMutableRawPointer
    ) {
        memory.storeBytes(of: sequence, toByteOffset: 8, as: UInt64.self)
        memory.storeBytes(of: receivedMicroseconds, toByteOffset: 16, as: UInt64.self)
        memory.storeBytes(of: gap?.from ?? 0, toByteOffset: 24, as: UInt64.self)
        memory.storeBytes(of: gap.map { code(of: $0.reason) } ?? 0, toByteOffset: 32, as: UInt64.self)
        if let source = frame.baseAddress, !frame.isEmpty {
            (memory + headerBytes).copyMemory(from: source, byteCount: frame.count)
        }
        let count = headerBytes - checkedFrom + frame.count
        let crc = CRC32C.checksum(UnsafeRawBufferPointer(start: memory + checkedFrom, count: count))
        memory.assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .store(UInt64(count) | UInt64(crc) << 32, ordering: .releasing)
    }

    /// Their order is part of the format.
    static let reasons: [Gap.Reason] = [.disconnect, .stall, .restart, .spoolFull, .spoolDamaged, .refused]

    static func code(of reason: Gap.Reason) -> UInt64 {
        UInt64((reasons.firstIndex(of: reason) ?? 0) + 1)
    }

    static func reason(code: UInt64) -> Gap.Reason? {
        (1...UInt64(reasons.count)).contains(code) ? reasons[Int(code) - 1] : nil
    }
}

extension SpoolRecord {
    /// The record at `offset`, when there is a whole and undamaged one with a sequence in `sequences`.
    init?(at offset: Int, of segment: UnsafeRawBufferPointer, sequences: ClosedRange<UInt64>) {
        guard offset >= 0, offset <= segment.count - Self.headerBytes else { return nil }
        let word = segment.load(fromByteOffset: offset, as: UInt64.self)
        let count = Int(word & 0xFFFF_FFFF)
        guard count >= Self.headerBytes - Self.checkedFrom, count <= segment.count - offset - Self.checkedFrom
        else { return nil }
        sequence = segment.load(fromByteOffset: offset + 8, as: UInt64.self)
        // Before the checksum, which costs more: a search for the next record looks at every word.
        guard sequences.contains(sequence) else { return nil }
        let start = offset + Self.checkedFrom
        let checked = UnsafeRawBufferPointer(rebasing: segment[start..<start + count])
        guard CRC32C.checksum(checked) == UInt32(word >> 32) else { return nil }
        receivedMicroseconds = segment.load(fromByteOffset: offset + 16, as: UInt64.self)
        let from = segment.load(fromByteOffset: offset + 24, as: UInt64.self)
        gap = Self.reason(code: segment.load(fromByteOffset: offset + 32, as: UInt64.self)).map {
            GapStart(from: from, reason: $0)
        }
        frame = UnsafeRawBufferPointer(rebasing: checked[(Self.headerBytes - Self.checkedFrom)...])
    }
}
