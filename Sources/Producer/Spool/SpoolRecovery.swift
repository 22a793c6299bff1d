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

    private(set) var entries: [SegmentCatalogue.Entry] = []
    /// The last segment, when it can be written on.
    private(set) var appendable: Appendable?
    /// The sequence of the last frame that was ever received, also when it is lost; 0 when there was none.
    private(set) var lastSequence: UInt64
    /// When it was received: microseconds since 1970.
    private(set) var lastReceived: UInt64
    private(set) var nextSequence: UInt64 = 0

    init(_ directory: SpoolDirectory, _ state: SpoolState) throws(SpoolError) {
        lastSequence = max(state.lastSequence, state.deliveredBelow - 1)
        lastReceived = state.lastReceived
        let segments = directory.segments()
        for (firstSequence, path) in segments.dropLast() {
            entries.append(try MappedSegment(opening: path, firstSequence: firstSequence).entry)
        }
        if let last = segments.last { try readLast(last.path, firstSequence: last.firstSequence) }
        nextSequence = lastSequence + 1
        if state.mayBeFromEarlierBoot, !state.isClean { nextSequence = max(nextSequence, state.reservedBelow) }
        // Within a segment there is no step from one sequence to the next.
        if nextSequence != tailSequence { appendable = nil }
    }

    /// What would come next in the last segment.
    private var tailSequence: UInt64 = 0

    private mutating func readLast(_ path: String, firstSequence: UInt64) throws(SpoolError) {
        let segment = try MappedSegment(opening: path, firstSequence: firstSequence)
        lastSequence = max(lastSequence, segment.header?.previousSequence ?? 0)
        var scanner = SegmentScanner(firstSequence: firstSequence)
        var isDamaged = segment.header == nil
        loop: while true {
            switch scanner.next(in: segment.bytes) {
            case .record(let record):
                lastSequence = max(lastSequence, record.sequence)
                lastReceived = max(lastReceived, record.receivedMicroseconds)
            case .damage: isDamaged = true
            case .end: break loop
            }
        }
        if isDamaged, scanner.expected == firstSequence {
            // Nothing can be read from it, and the next segment may need its name.
            return setAside(path)
        }
        tailSequence = scanner.expected
        if !isDamaged {
            try cut(path, scanner.offset, segment.bytes.count)
            // Anew, since it may have become smaller.
            let segment = try MappedSegment(opening: path, firstSequence: firstSequence)
            appendable = Appendable(segment: segment, tail: scanner.offset)
        }
        var entry = (appendable?.segment ?? segment).entry
        entry.isDamaged = isDamaged
        entries.append(entry)
    }

    /// Makes everything behind the last record zero again: a record that was being written when the
    /// process ended may have left bytes there. Without room on the disk it ends behind its last record.
    private func cut(_ path: String, _ tail: Int, _ bytes: Int) throws(SpoolError) {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw SpoolError(errno, path) }
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(tail)) == 0 else { throw SpoolError(errno, path) }
        if bytes > tail { _ = posix_fallocate(descriptor, off_t(tail), off_t(bytes - tail)) }
    }
}

/// Keeps a file that has damage for a person to look at.
func setAside(_ path: String) { rename(path, path + ".corrupt") }
