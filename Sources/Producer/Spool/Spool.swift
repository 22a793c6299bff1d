import Glibc
import Runtime
import Synchronization
import WebSocket

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
        /// How much is read from the socket at once.
        var readBytes = WebSocketConnection.readBytes

        /// The records of all frames that one read of the socket can bring: a large one whose end it has, and
        /// behind that the smallest ones that there are.
        var headroomBytes: Int {
            let frames = readBytes / WebSocketConnection.smallestMessageBytes
            return wholePages(
                SpoolRecord.size(frameBytes: frameBytes) + frames * SpoolRecord.size(frameBytes: 0))
        }

        /// Of a file without its headroom, which is all that is used of it as a rule: what is written counts as
        /// resident memory. A quarter of a small spool, so that there is always one to remove.
        private var usedBytes: Int {
            max(Self.smallestUsedBytes, min(2 << 20, (bytes - headroomBytes) / 4) & ~(pageBytes - 1))
        }

        /// Of a file.
        var segmentBytes: Int { usedBytes + headroomBytes }

        /// What ``bytes`` has to be at least.
        var smallestBytes: Int { headroomBytes + 4 * Self.smallestUsedBytes }

        private static let smallestUsedBytes = 1 << 14
    }

    /// Why there is no room for more frames.
    enum Full: Error, Equatable {
        /// The limit that the settings gave.
        case limit(bytes: Int)
        /// The disk is full, or it failed.
        case disk(SpoolError)
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
    /// Why there may be no room for all that one more read of the socket brings; what is read already has it.
    private(set) var full: Full?
    /// Called when half of the limit is used and another segment was begun, and when none could be: what is delivered
    /// is to be removed soon.
    var whenRoomIsWanted: () -> Void = {}
    private let headroomBytes: Int
    /// Behind it less than the headroom is left.
    private var headroomBegin: Int

    /// How many sequences are reserved at once: they are what a crash of the machine can cost in numbers.
    private static let reservation: UInt64 = 1 << 20

    init(_ directory: SpoolDirectory, _ state: SpoolState, _ limits: Limits) throws(SpoolError) {
        self.directory = directory
        self.state = state
        self.limits = limits
        headroomBytes = limits.headroomBytes
        let recovery = try SpoolRecovery(directory, state, segmentBytes: limits.segmentBytes)
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
        headroomBegin = active.bytes.count - headroomBytes
        state.lastSequence = recovery.lastSequence
        state.lastReceived = recovery.lastReceived
        state.enterBoot()
        state.isClean = false
        try reserve()
        makeRoom()
    }

    /// When a frame was received the last time; nil when the spool never had one.
    var lastReceived: UInt64? { state.lastReceived == 0 ? nil : state.lastReceived }

    /// Keeps a frame. What one read of the socket brings always has room when ``full`` was nil before it.
    ///
    /// - Throws: ``Full`` when it was not taken.
    /// - Returns: the frame's sequence.
    func append(
        _ frame: UnsafeRawBufferPointer, receivedMicroseconds: UInt64, gap: GapStart?
    ) throws(Full) -> UInt64 {
        let size = SpoolRecord.size(frameBytes: frame.count)
        if tail + size > active.bytes.count { try beginSegment() }
        let sequence = nextSequence
        SpoolRecord.write(
            frame, sequence: sequence, receivedMicroseconds: receivedMicroseconds, gap: gap, to: active.room(at: tail))
        tail += size
        nextSequence += 1
        state.lastSequence = sequence
        state.lastReceived = receivedMicroseconds
        return sequence
    }

    /// True when ``makeRoom()`` has something to do.
    var isInHeadroom: Bool { tail > headroomBegin }

    /// Begins the next segment when the present one has less than the headroom left. Where that is not possible
    /// ``full`` says why: while there still is room for what was read, so that no frame is in memory alone until there
    /// is more.
    func makeRoom() {
        do throws(Full) {
            if isInHeadroom { try beginSegment() }
            full = nil
        } catch {
            full = error
        }
    }

    private func beginSegment() throws(Full) {
        let bytes = limits.segmentBytes
        // Beside a segment of which all is delivered: the last one is released only when there is another.
        let kept = isOnlySegmentDelivered ? 0 : catalogue.bytes - (active.bytes.count - tail)
        guard kept + bytes <= limits.bytes else {
            whenRoomIsWanted()
            throw .limit(bytes: limits.bytes)
        }
        let header = SegmentHeader(
            firstSequence: nextSequence, previousSequence: nextSequence - 1,
            createdMicroseconds: microsecondsSince1970())
        do throws(SpoolError) {
            // For all records that it can have, so that none of them waits for the disk, or finds that it failed.
            if nextSequence + UInt64(bytes / SpoolRecord.headerBytes) > state.reservedBelow { try reserve() }
            active = try makeSegment(header, bytes)
        } catch {
            whenRoomIsWanted()
            throw .disk(error)
        }
        tail = SegmentHeader.bytes
        headroomBegin = active.bytes.count - headroomBytes
        catalogue.append(active.entry)
        // Early enough for a disk that takes its time.
        if catalogue.bytes > limits.bytes / 2 { whenRoomIsWanted() }
    }

    private var isOnlySegmentDelivered: Bool { catalogue.count == 1 && state.deliveredBelow >= nextSequence }

    private func makeSegment(_ header: SegmentHeader, _ bytes: Int) throws(SpoolError) -> MappedSegment {
        do throws(SpoolError) {
            let segment = try MappedSegment(creating: header, bytes: bytes, in: directory)
            catalogue.setBytes(active.cut(to: tail), of: active.firstSequence)
            return segment
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
            // What the disk does not know is not reserved: there is no next segment before it is.
            state.reservedBelow = before
            throw error
        }
    }
}

private let pageBytes = 4_096

private func wholePages(_ bytes: Int) -> Int { (bytes + pageBytes - 1) & ~(pageBytes - 1) }
