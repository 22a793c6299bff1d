import Market

/// Reads a spool's records in order, to be sent. Used by the thread that writes them.
struct SpoolCursor {
    struct Item {
        var record: SpoolRecord
        /// Where the record is; it keeps the record's bytes alive.
        let segment: MappedSegment
        /// What does not come although it is before this record.
        let hole: Hole?
    }

    struct Hole: Equatable {
        let sequences: Range<UInt64>
        /// The file that frames are missing from; nil when these sequences were never used, as happens
        /// after a crash of the machine.
        let damagedFile: String?
    }

    private var segment: MappedSegment?
    private var scanner = SegmentScanner(firstSequence: 0)
    /// The sequence behind the last record that was read.
    private var expected: UInt64
    /// All that was received until then was read, or delivered before.
    private var knownUntil: UInt64
    private var damagedFile: String?
    private var current: Item?

    /// Starts with the first record that is not known to be delivered.
    init(_ spool: Spool) {
        expected = spool.state.deliveredBelow
        knownUntil = spool.state.releasedUntil
    }

    /// True when everything that was appended was read. Something may be missing before what comes next all the same:
    /// then ``peek(in:)`` has to tell so.
    func isAtEnd(of spool: Spool) -> Bool {
        current == nil && segment === spool.active && scanner.offset == spool.tail
    }

    /// True when the frame that is appended next is the next one to be sent, with nothing missing before it.
    func isNext(in spool: Spool) -> Bool { isAtEnd(of: spool) && expected == spool.nextSequence }

    /// Goes behind the record that was appended last.
    mutating func moveToEnd(of spool: Spool) {
        (segment, damagedFile, current) = (spool.active, nil, nil)
        expected = spool.nextSequence
        knownUntil = spool.state.lastReceived
        scanner = SegmentScanner(firstSequence: expected, at: spool.tail)
    }

    /// The next record, as often as it is asked for; nil when there is none yet.
    mutating func peek(in spool: Spool) throws(SpoolError) -> Item? {
        passDelivered(spool)
        if let current { return current }
        if segment == nil, let first = spool.catalogue.segment(holding: expected) { try open(first, spool) }
        while let segment {
            let isActive = segment === spool.active
            if isActive, scanner.offset >= spool.tail { return nil }
            if !isActive, let next = spool.catalogue.segment(after: segment.firstSequence),
                next.firstSequence <= expected
            {
                // The file of this one may be another segment's by now.
                try open(next, spool)
                continue
            }
            let bytes = isActive ? UnsafeRawBufferPointer(rebasing: segment.bytes[..<spool.tail]) : segment.bytes
            switch scanner.next(in: bytes) {
            case .record(let record) where record.sequence >= expected:
                current = item(record, segment)
                return current
            case .record(let record): knownUntil = record.receivedMicroseconds
            case .damage: noteDamage(segment, spool)
            case .end where isActive:
                noteDamage(segment, spool)
                scanner = SegmentScanner(firstSequence: spool.nextSequence, at: spool.tail)
            case .end:
                guard let next = spool.catalogue.segment(after: segment.firstSequence) else { return nil }
                try open(next, spool)
            }
        }
        return nil
    }

    /// Takes the record that ``peek(in:)`` returned.
    mutating func advance() {
        guard let current else { return }
        expected = current.record.sequence + 1
        knownUntil = current.record.receivedMicroseconds
        damagedFile = nil
        self.current = nil
    }

    /// Reports of an earlier client may come after this was made, and the segments of what they tell are
    /// removed: those are no holes.
    private mutating func passDelivered(_ spool: Spool) {
        guard spool.state.deliveredBelow > expected else { return }
        expected = spool.state.deliveredBelow
        knownUntil = max(knownUntil, spool.state.releasedUntil)
        if let item = current, item.record.sequence < expected {
            (current, damagedFile) = (nil, nil)
            knownUntil = max(knownUntil, item.record.receivedMicroseconds)
        }
    }

    private mutating func item(_ record: SpoolRecord, _ segment: MappedSegment) -> Item {
        guard record.sequence > expected else { return Item(record: record, segment: segment, hole: nil) }
        let hole = Hole(sequences: expected..<record.sequence, damagedFile: damagedFile)
        var record = record
        if damagedFile != nil {
            // One span with one reason: what the record says itself lies within it.
            let from = knownUntil == 0 ? record.receivedMicroseconds : knownUntil
            let earliest = min(from, record.gap?.from ?? from, record.receivedMicroseconds)
            record.gap = GapStart(from: earliest, reason: record.gap?.reason ?? .spoolDamaged)
        }
        return Item(record: record, segment: segment, hole: hole)
    }

    private mutating func open(_ entry: SegmentCatalogue.Entry, _ spool: Spool) throws(SpoolError) {
        let before = segment
        let next = try firstThatIsThere(from: entry, spool)
        segment = next
        scanner = SegmentScanner(firstSequence: next.firstSequence)
        if next.isUnreadable { spool.catalogue.markDamaged(next.firstSequence) }
        guard let header = next.header else { return noteDamage(next, spool) }
        // The segment before this one ended too early, or is not there at all.
        if header.previousSequence >= expected, header.firstSequence > expected, damagedFile == nil {
            noteDamage(before ?? next, spool)
        }
    }

    /// A segment that somebody removed is damaged as a whole. It may also be that all in it was delivered meanwhile.
    private mutating func firstThatIsThere(
        from first: SegmentCatalogue.Entry, _ spool: Spool
    ) throws(SpoolError) -> MappedSegment {
        var entry = first
        while true {
            passDelivered(spool)
            if entry.path == spool.active.path { return spool.active }
            do throws(SpoolError) {
                return try MappedSegment(
                    opening: entry.path, firstSequence: entry.firstSequence, in: spool.directory)
            } catch {
                guard error.kind == .missing, let next = spool.catalogue.segment(after: entry.firstSequence)
                else { throw error }
                passDelivered(spool)
                if expected < next.firstSequence { damagedFile = entry.path }
                entry = next
            }
        }
    }

    private mutating func noteDamage(_ segment: MappedSegment, _ spool: Spool) {
        damagedFile = segment.path
        spool.catalogue.markDamaged(segment.firstSequence)
    }
}
