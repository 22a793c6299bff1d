import Glibc
import Runtime
import Synchronization

/// A log of frames on disk, between the socket and Kafka.
///
/// A frame is appended with no system call: its segment is mapped into memory. From there on the end of
/// the process cannot lose it, and ``SpoolKeeper`` sees to it that the end of the machine cannot either.
/// Segments are removed once everything in them is delivered. Used by the socket's thread, but for
/// ``state`` and ``catalogue``.
final class Spool {
    struct Limits {
        /// All segments together.
        let bytes: Int
        /// The largest frame there may be.
        let frameBytes: Int

        /// Of a file, which counts as resident memory while it is written. A quarter of a small spool, so that
        /// there is always one to remove; but no less than the largest frame needs.
        var segmentBytes: Int {
            let page = 4_096
            let largest = SegmentHeader.bytes + SpoolRecord.size(frameBytes: frameBytes)
            return (max(largest, min(2 << 20, bytes / 4)) + page - 1) / page * page
        }
    }

    /// Why there is no room for another frame.
    enum Full: Error, Equatable {
        /// The limit that the settings gave.
        case limit(bytes: Int)
        /// The disk's; or it failed.
        case disk(String)
    }

    let state: SpoolState
    let catalogue: SegmentCatalogue
    let directory: SpoolDirectory
    private let limits: Limits
    /// The segment that is written.
    private(set) var active: MappedSegment
    /// Where the next record goes, and where the segment ends.
    private(set) var tail: Int
    private(set) var nextSequence: UInt64

    /// How many sequences are reserved at once: they are what a crash of the machine can cost in numbers.
    private static let reservation: UInt64 = 1 << 20

    init(_ directory: SpoolDirectory, _ state: SpoolState, _ limits: Limits) throws(SpoolError) {
        self.directory = directory
        self.state = state
        self.limits = limits
        let recovery = try SpoolRecovery(directory, state)
        catalogue = SegmentCatalogue(recovery.entries)
        nextSequence = recovery.nextSequence
        if let last = recovery.appendable {
            (active, tail) = (last.segment, last.tail)
        } else {
            let header = SegmentHeader(
                firstSequence: nextSequence, previousSequence: recovery.lastSequence,
                createdMicroseconds: microsecondsSince1970())
            active = try MappedSegment(creating: header, bytes: limits.segmentBytes, in: directory)
            tail = SegmentHeader.bytes
            catalogue.append(active.entry)
        }
        state.lastSequence = recovery.lastSequence
        state.lastReceived = recovery.lastReceived
        state.enterBoot()
        state.isClean = false
        try reserve()
    }

    /// When a frame was received the last time; nil when the spool never had one.
    var lastReceived: UInt64? { state.lastReceived == 0 ? nil : state.lastReceived }

    /// Keeps a frame.
    ///
    /// - Throws: ``Full`` when it was not taken and must be given again.
    /// - Returns: the frame's sequence.
    func append(
        _ frame: UnsafeRawBufferPointer, receivedMicroseconds: UInt64, gap: GapStart?
    ) throws(Full) -> UInt64 {
        let size = SpoolRecord.size(frameBytes: frame.count)
        if tail + size > active.bytes.count { try beginSegment() }
        if nextSequence >= state.reservedBelow {
            do { try reserve() } catch { throw .disk("\(error)") }
        }
        let sequence = nextSequence
        SpoolRecord.write(
            frame, sequence: sequence, receivedMicroseconds: receivedMicroseconds, gap: gap, to: active.room(at: tail))
        tail += size
        nextSequence += 1
        state.lastSequence = sequence
        state.lastReceived = receivedMicroseconds
        return sequence
    }

    private func beginSegment() throws(Full) {
        let bytes = limits.segmentBytes
        // Beside a segment of which all is delivered: the last one is released only when there is another.
        let kept = isOnlySegmentDelivered ? 0 : catalogue.bytes
        guard kept + bytes <= limits.bytes else { throw .limit(bytes: limits.bytes) }
        let header = SegmentHeader(
            firstSequence: nextSequence, previousSequence: nextSequence - 1,
            createdMicroseconds: microsecondsSince1970())
        do throws(SpoolError) {
            active = try makeSegment(header, bytes)
        } catch {
            throw .disk("\(error)")
        }
        tail = SegmentHeader.bytes
        catalogue.append(active.entry)
    }

    private var isOnlySegmentDelivered: Bool { catalogue.count == 1 && state.deliveredBelow >= nextSequence }

    private func makeSegment(_ header: SegmentHeader, _ bytes: Int) throws(SpoolError) -> MappedSegment {
        do throws(SpoolError) {
            return try MappedSegment(creating: header, bytes: bytes, in: directory)
        } catch {
            // A disk with room for one segment only: what is delivered wholly is written anew.
            guard error.kind == .noRoom, active.bytes.count >= bytes, tail > SegmentHeader.bytes,
                isOnlySegmentDelivered
            else { throw error }
            try state.synchronize()
            let segment = try active.reused(as: header, in: directory)
            catalogue.removeAll()
            return segment
        }
    }

    /// Once in a million frames this waits for the disk.
    private func reserve() throws(SpoolError) {
        let before = state.reservedBelow
        state.reservedBelow = nextSequence + Self.reservation
        do throws(SpoolError) {
            try state.synchronize()
        } catch {
            // What the disk does not know is not reserved: the next frame tries again.
            state.reservedBelow = before
            throw error
        }
    }
}
