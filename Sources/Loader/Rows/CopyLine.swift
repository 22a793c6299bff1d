import Glibc

/// The fields of a line of `COPY … TO STDOUT`: where they stand in its bytes, escapes and all.
struct CopyLine {
    let time: UnsafeRawBufferPointer
    let code: UnsafeRawBufferPointer
    let price: UnsafeRawBufferPointer
    let volume: UnsafeRawBufferPointer

    /// - Parameter line: with or without its line feed. A tab within a field is escaped, so each ends one.
    init(_ line: UnsafeRawBufferPointer) throws(Rejection) {
        let end = line.last == UInt8(ascii: "\n") ? line.count - 1 : line.count
        let first = Self.tab(in: line, from: 0, end)
        let second = Self.tab(in: line, from: first + 1, end)
        let third = Self.tab(in: line, from: second + 1, end)
        guard third < end, Self.tab(in: line, from: third + 1, end) == end else {
            let count = line[..<end].count { $0 == UInt8(ascii: "\t") } + 1
            throw Rejection(reason: "\(count) columns instead of 4")
        }
        time = UnsafeRawBufferPointer(rebasing: line[..<first])
        code = UnsafeRawBufferPointer(rebasing: line[first + 1..<second])
        price = UnsafeRawBufferPointer(rebasing: line[second + 1..<third])
        volume = UnsafeRawBufferPointer(rebasing: line[third + 1..<end])
    }

    /// Where the first tab from `start` on stands; `end` when there is none before it.
    private static func tab(in line: UnsafeRawBufferPointer, from start: Int, _ end: Int) -> Int {
        guard start < end, let base = line.baseAddress,
            let tab = memchr(base + start, CInt(UInt8(ascii: "\t")), end - start)
        else { return end }
        return UnsafeRawPointer(tab) - base
    }
}

/// Why a row cannot be sent.
struct Rejection: Error { let reason: String }
