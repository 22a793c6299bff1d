import Glibc
import Market

/// The producers that wrote to one partition and the last sequence number of each, by which records that
/// a restarted producer sends again are recognised.
///
/// A producer numbers its records upwards and sends them in that order, the ones it is not sure of once
/// more. So whatever is not above its last number was here before.
struct ProducerSequences: Equatable {
    /// A producer has one identity as long as its spool lives; the bound is on what the row in the
    /// database and the memory can grow to. Beyond it the one that was silent for longest is forgotten.
    static let limit = 16

    struct Entry: Equatable {
        let producer: [UInt8]
        var last: UInt64
    }

    /// Least recently seen first.
    private(set) var entries: [Entry] = []

    /// - Parameter entries: least recently seen first; the last ones that fit are kept.
    init(_ entries: [Entry] = []) { self.entries = entries.suffix(Self.limit) }

    /// Takes note of a record: true when it was here before, false when it is new or its producer's name
    /// is none.
    mutating func isRepeat(_ origin: Origin) -> Bool {
        // Most often the one that was seen last.
        guard let index = entries.lastIndex(where: { isSame($0.producer, origin.producer) }) else {
            guard Gap.isValidProducer(origin.producer) else { return false }
            if entries.count == Self.limit { entries.removeFirst() }
            entries.append(Entry(producer: Array(origin.producer), last: origin.sequence))
            return false
        }
        if index < entries.count - 1 { entries.append(entries.remove(at: index)) }
        let newest = entries.count - 1
        guard origin.sequence > entries[newest].last else { return true }
        entries[newest].last = origin.sequence
        return false
    }

    /// As the column `producers` has it: `[["host-5f0c",17],…]`. Valid names need no escaping.
    var json: String {
        let pairs = entries.map { #"["\#(String(decoding: $0.producer, as: UTF8.self))",\#($0.last)]"# }
        return "[\(pairs.joined(separator: ","))]"
    }
}

private func isSame(_ name: [UInt8], _ other: UnsafeRawBufferPointer) -> Bool {
    guard name.count == other.count, let start = other.baseAddress else { return false }
    return name.withUnsafeBytes { bytes in
        bytes.baseAddress.map { memcmp($0, start, bytes.count) == 0 } ?? false
    }
}
