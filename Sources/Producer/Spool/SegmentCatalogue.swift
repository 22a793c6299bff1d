import Glibc
import Synchronization

/// Which segments there are. The one thing that the thread that writes them and the thread that
/// synchronizes and removes them have in common.
final class SegmentCatalogue: Sendable {
    struct Entry: Sendable {
        let firstSequence: UInt64
        let path: String
        var bytes: Int
        /// When the segment was begun: all that is in the ones before was received earlier.
        let createdMicroseconds: UInt64
        /// Everything in it is on the disk, and nothing more will be written to it.
        var isSynchronized = false
        /// Part of it cannot be read; it is kept when the rest is delivered.
        var isDamaged = false
    }

    private let entries: Mutex<[Entry]>

    init(_ entries: [Entry]) { self.entries = Mutex(entries) }

    var bytes: Int { entries.withLock { $0.reduce(0) { $0 + $1.bytes } } }

    var count: Int { entries.withLock { $0.count } }

    /// The segment that holds `sequence` or, when none does, the first behind it.
    func segment(holding sequence: UInt64) -> Entry? {
        entries.withLock { entries in
            entries.last { $0.firstSequence <= sequence } ?? entries.first
        }
    }

    func segment(after firstSequence: UInt64) -> Entry? {
        entries.withLock { $0.first { $0.firstSequence > firstSequence } }
    }

    func append(_ entry: Entry) { entries.withLock { $0.append(entry) } }

    func markDamaged(_ firstSequence: UInt64) { change(firstSequence) { $0.isDamaged = true } }

    func markSynchronized(_ firstSequence: UInt64) { change(firstSequence) { $0.isSynchronized = true } }

    /// The segments with something that may not be on the disk yet, and whether more may be written.
    func unsynchronized() -> [(entry: Entry, isLast: Bool)] {
        entries.withLock { entries in
            entries.indices.filter { !entries[$0].isSynchronized }.map { (entries[$0], $0 == entries.count - 1) }
        }
    }

    /// Takes out the segments of which every record is below `sequence`; never the last one.
    ///
    /// - Returns: them, and when the first one that stays was begun.
    func release(below sequence: UInt64) -> (released: [Entry], until: UInt64) {
        entries.withLock { entries in
            let count = zip(entries, entries.dropFirst()).prefix { $1.firstSequence <= sequence }.count
            defer { entries.removeFirst(count) }
            return (Array(entries.prefix(count)), count < entries.count ? entries[count].createdMicroseconds : 0)
        }
    }

    func setBytes(_ bytes: Int, of firstSequence: UInt64) { change(firstSequence) { $0.bytes = bytes } }

    func removeAll() { entries.withLock { $0 = [] } }

    private func change(_ firstSequence: UInt64, _ body: (inout Entry) -> Void) {
        entries.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.firstSequence == firstSequence }) else { return }
            body(&entries[index])
        }
    }
}
