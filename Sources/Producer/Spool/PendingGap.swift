import Market
import Synchronization

/// A gap that its topic does not have yet, as the page of the spool's state keeps it.
///
/// ```
///  0  u64  sequence of the frame that ends the gap; 0 where there is none
///  8  u64  beginning, microseconds since 1970
/// 16  u64  end, microseconds since 1970
/// 24  u64  reason, as a number of `SpoolRecord`
/// ```
///
/// The sequence is stored last, so a gap is there or it is not, at whatever instruction the process is killed.
struct PendingGap: Equatable {
    let sequence: UInt64
    let start: GapStart
    let end: UInt64

    /// How many are kept. More of them come together only while their topic cannot be written for long.
    static let limit = 64
    fileprivate static let bytes = 32
}

extension SpoolState {
    /// In the order of their frames. Not at once with ``keep(_:)`` and ``forget(_:)``.
    var pendingGaps: [PendingGap] {
        (0..<PendingGap.limit).compactMap { PendingGap(at: slot($0)) }.sorted { $0.sequence < $1.sequence }
    }

    /// Keeps a gap, in place of what was kept for the same frame.
    ///
    /// - Returns: the oldest one, when it had to make room.
    func keep(_ gap: PendingGap) -> PendingGap? {
        var dropped: PendingGap?
        let known = pendingGaps
        if known.count == PendingGap.limit, !known.contains(where: { $0.sequence == gap.sequence }) {
            dropped = known[0]
        }
        forget(dropped?.sequence ?? gap.sequence)
        for index in 0..<PendingGap.limit where PendingGap(at: slot(index)) == nil {
            gap.write(to: slot(index))
            break
        }
        return dropped
    }

    /// The gap that this frame ends is told.
    func forget(_ sequence: UInt64) {
        for index in 0..<PendingGap.limit where PendingGap(at: slot(index))?.sequence == sequence {
            PendingGap.sequence(at: slot(index)).pointee.store(0, ordering: .releasing)
        }
    }

    private func slot(_ index: Int) -> UnsafeMutableRawPointer { pendingGapSlots + index * PendingGap.bytes }
}

extension PendingGap {
    /// nil where there is none, or no gap that makes sense.
    fileprivate init?(at memory: UnsafeMutableRawPointer) {
        sequence = Self.sequence(at: memory).pointee.load(ordering: .acquiring)
        end = memory.load(fromByteOffset: 16, as: UInt64.self)
        let from = memory.load(fromByteOffset: 8, as: UInt64.self)
        guard sequence > 0, from <= end,
            let reason = SpoolRecord.reason(code: memory.load(fromByteOffset: 24, as: UInt64.self))
        else { return nil }
        start = GapStart(from: from, reason: reason)
    }

    fileprivate func write(to memory: UnsafeMutableRawPointer) {
        // A kill in between must leave nothing that is half of another gap.
        let sequence = Self.sequence(at: memory)
        sequence.pointee.store(0, ordering: .releasing)
        memory.storeBytes(of: start.from, toByteOffset: 8, as: UInt64.self)
        memory.storeBytes(of: end, toByteOffset: 16, as: UInt64.self)
        memory.storeBytes(of: SpoolRecord.code(of: start.reason), toByteOffset: 24, as: UInt64.self)
        sequence.pointee.store(self.sequence, ordering: .releasing)
    }

    fileprivate static func sequence(at memory: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Atomic<UInt64>> {
        memory.assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}
