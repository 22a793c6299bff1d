import Glibc

/// What a spool's files tell at the start.
///
/// Only the last segment is read: it says how to go on. The others are read when they are sent.
struct SpoolRecovery {
    struct Appendable {
        let segment: MappedSegment
        /// Where the next record goes.
        let tail: Int
    }

    private let directory: SpoolDirectory
    private let segmentBytes: Int
    private(set) var entries: [SegmentCatalogue.Entry] = []
    /// The last segment, when it can be written on.
    private(set) var appendable: Appendable?
    /// The sequence of the last frame that was ever received, also when it is lost; 0 when there was none.
    private(set) var lastSequence: UInt64
    /// When it was received: microseconds since 1970.
    private(set) var lastReceived: UInt64
    private(set) var nextSequence: UInt64 = 0

    /// - Parameter segmentBytes: how large the spool makes a segment now.
    init(_ directory: SpoolDirectory, _ state: SpoolState, segmentBytes: Int) throws(SpoolError) {
        self.directory = directory
        self.segmentBytes = segmentBytes
        lastSequence = max(state.lastSequence, state.deliveredBelow - 1)
        lastReceived = state.lastReceived
        let segments = directory.segments()
        for (firstSequence, path) in segments.dropLast() {
            entries.append(try MappedSegment.entry(of: path, firstSequence: firstSequence, in: directory))
        }
        var last: LastSegment?
        if let (firstSequence, path) = segments.last { last = try read(path, firstSequence) }
        // A segment with nothing in it is named after the step that was made before it, maybe by the process
        // before this one: the state and the records do not tell of it.
        nextSequence = max(lastSequence + 1, segments.last?.firstSequence ?? 0)
        if state.mayBeFromEarlierBoot, !state.isClean { nextSequence = max(nextSequence, state.reservedBelow) }
        if let last { try settle(last) }
    }

    /// The last segment as it was found.
    private struct LastSegment {
        let segment: MappedSegment
        /// Behind the last record.
        let tail: Int
        /// What would come next in it.
        let tailSequence: UInt64
        let isDamaged: Bool

        var isEmpty: Bool { tailSequence == segment.firstSequence }
    }

    private mutating func read(_ path: String, _ firstSequence: UInt64) throws(SpoolError) -> LastSegment {
        let segment = try MappedSegment(opening: path, firstSequence: firstSequence, in: directory)
        if let previous = segment.header?.previousSequence, previous < firstSequence {
            lastSequence = max(lastSequence, previous)
        }
        var scanner = SegmentScanner(firstSequence: firstSequence)
        var isDamaged = segment.header == nil || segment.isUnreadable
        loop: while true {
            switch scanner.next(in: segment.bytes) {
            case .record(let record):
                lastSequence = max(lastSequence, record.sequence)
                lastReceived = max(lastReceived, record.receivedMicroseconds)
            case .damage: isDamaged = true
            case .end: break loop
            }
        }
        return LastSegment(
            segment: segment, tail: scanner.offset, tailSequence: scanner.expected, isDamaged: isDamaged)
    }

    /// Leaves the last segment as the spool goes on with it, or behind it.
    private mutating func settle(_ last: LastSegment) throws(SpoolError) {
        let segment = last.segment
        if last.isDamaged {
            // Nothing can be read from it, and the next segment may need its name.
            if last.isEmpty { return setAside(segment.path) }
            var entry = segment.entry
            entry.isDamaged = true
            return entries.append(entry)
        }
        // Within a segment there is no step from one sequence to the next.
        if nextSequence == last.tailSequence {
            try cut(segment, at: last.tail, bytes: segment.bytes.count)
            let segment = try reopened(segment)
            // The one that is made in its place has its name, and replaces it: in between, it tells of the step.
            if last.isEmpty, segment.bytes.count < segmentBytes { return }
            appendable = Appendable(segment: segment, tail: last.tail)
            return entries.append(segment.entry)
        }
        // Each start may step over the segment of the one before, and its room is none for frames.
        if last.isEmpty, lastSequence < segment.firstSequence {
            unlink(segment.path)
        } else {
            try cut(segment, at: last.tail, bytes: last.tail)
            entries.append(try reopened(segment).entry)
        }
    }

    /// It may have become smaller.
    private func reopened(_ segment: MappedSegment) throws(SpoolError) -> MappedSegment {
        try MappedSegment(opening: segment.path, firstSequence: segment.firstSequence, in: directory)
    }

    /// Makes everything behind the last record zero again: a record that was being written when the
    /// process ended may have left bytes there. Without room on the disk it ends behind its last record.
    private func cut(_ segment: MappedSegment, at tail: Int, bytes: Int) throws(SpoolError) {
        let path = segment.path
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw SpoolError(errno, path) }
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(tail)) == 0 else { throw SpoolError(errno, path) }
        if bytes > tail { _ = posix_fallocate(descriptor, off_t(tail), off_t(bytes - tail)) }
    }
}

/// Keeps a file that has damage for a person to look at.
func setAside(_ path: String) { rename(path, path + ".corrupt") }
