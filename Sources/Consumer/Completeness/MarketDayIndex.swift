/// Numbers markets' days from zero in the order in which they first come, without building a `String`.
///
/// A hash table with open addressing: a look-up compares the code's bytes in place and allocates
/// nothing; only a new day is copied in.
struct MarketDayIndex {
    private struct Entry {
        let codeStart: Int
        let codeCount: Int
        /// Days since 1970.
        let day: Int
    }

    private var entries: [Entry] = []
    /// The codes of all entries, one behind the other.
    private var codes: [UInt8] = []
    /// Numbers of entries; a power of two many, at most half of them in use.
    private var slots = [Int32](repeating: free, count: 1_024)

    private static let free: Int32 = -1

    var count: Int { entries.count }

    /// The number of `code`'s `day`; ``count`` before the call when it is new.
    mutating func number(of code: UnsafeRawBufferPointer, day: Int) -> Int {
        var slot = hash(code, day) & (slots.count - 1)
        while slots[slot] != Self.free {
            let number = Int(slots[slot])
            if entries[number].day == day, hasCode(code, entries[number]) { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[slot] = Int32(truncatingIfNeeded: entries.count)
        entries.append(Entry(codeStart: codes.count, codeCount: code.count, day: day))
        codes.append(contentsOf: code)
        if entries.count * 2 > slots.count { grow() }
        return entries.count - 1
    }

    func code(of number: Int) -> ArraySlice<UInt8> {
        codes[entries[number].codeStart..<entries[number].codeStart + entries[number].codeCount]
    }

    func day(of number: Int) -> Int { entries[number].day }

    private func hasCode(_ code: UnsafeRawBufferPointer, _ entry: Entry) -> Bool {
        guard entry.codeCount == code.count else { return false }
        for index in 0..<code.count where codes[entry.codeStart + index] != code[index] { return false }
        return true
    }

    private mutating func grow() {
        slots = [Int32](repeating: Self.free, count: slots.count * 2)
        for number in entries.indices {
            var slot = code(of: number).withUnsafeBytes { hash($0, entries[number].day) } & (slots.count - 1)
            while slots[slot] != Self.free { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(truncatingIfNeeded: number)
        }
    }
}

/// FNV-1a, with the upper half folded into the lower one, which chooses the slot.
private func hash(_ code: UnsafeRawBufferPointer, _ day: Int) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(truncatingIfNeeded: day)
    for byte in code { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int(truncatingIfNeeded: hash ^ (hash >> 32))
}
