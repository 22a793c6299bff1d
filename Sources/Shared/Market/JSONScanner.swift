/// Walks once over the bytes of a JSON text (RFC 8259) and checks it, without building anything.
///
/// The bytes stay where they are; what is found is told as ranges in them. Nothing is allocated.
struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    /// What the text breaks. One case is enough: whoever looks at a dead letter has its bytes.
    struct Malformed: Error {}

    /// Values may be nested this deep; real frames have depth 1.
    private static let depthLimit = 64

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next byte that is not white space, which stays; 0 at the end.
    mutating func peek() -> UInt8 {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return bytes[position]
            }
        }
        return 0
    }

    mutating func expect(_ character: Unicode.Scalar) throws(Malformed) {
        guard peek() == UInt8(ascii: character) else { throw Malformed() }
        position += 1
    }

    /// Steps over `character` when it is next.
    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func expectEnd() throws(Malformed) {
        _ = peek()
        guard position == bytes.count else { throw Malformed() }
    }

    /// Steps over a string and tells where its characters stand, without the quotes and as spelled.
    mutating func string() throws(Malformed) -> Range<Int> {
        try expect("\"")
        let start = position
        while true {
            position = bytes.endOfPlainText(from: position)
            guard position < bytes.count else { throw Malformed() }
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position - 1
            case UInt8(ascii: "\\"): try escape()
            case 0x80...: try multibyteCharacter(first: byte)
            default: throw Malformed()  // a control character must be escaped
            }
        }
    }

    private mutating func escape() throws(Malformed) {
        guard position + 1 < bytes.count else { throw Malformed() }
        switch bytes[position + 1] {
        case UInt8(ascii: "u"):
            guard position + 6 <= bytes.count else { throw Malformed() }
            for digit in bytes[position + 2..<position + 6] where !isHexadecimal(digit) { throw Malformed() }
            position += 6
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
        default: throw Malformed()
        }
    }

    /// Well-formed UTF-8 only (Unicode standard, table 3-7): no overlong form, no surrogate.
    private mutating func multibyteCharacter(first: UInt8) throws(Malformed) {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw Malformed()
        }
        guard position + length <= bytes.count, second.contains(bytes[position + 1]) else { throw Malformed() }
        for byte in bytes[position + 1..<position + length] where byte & 0xC0 != 0x80 { throw Malformed() }
        position += length
    }

    mutating func number() throws(Malformed) -> DecimalText {
        _ = peek()
        guard let number = DecimalText(bytes, at: position) else { throw Malformed() }
        position = number.end
        return number
    }

    /// Steps over any value and tells where it stands.
    mutating func value() throws(Malformed) -> Range<Int> {
        _ = peek()
        let start = position
        try skipValue()
        return start..<position
    }

    mutating func skipValue(depth: Int = 0) throws(Malformed) {
        guard depth < Self.depthLimit else { throw Malformed() }
        switch peek() {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"):
            position += 1
            if skip("}") { return }
            repeat {
                _ = try string()
                try expect(":")
                try skipValue(depth: depth + 1)
            } while skip(",")
            try expect("}")
        case UInt8(ascii: "["):
            position += 1
            if skip("]") { return }
            repeat { try skipValue(depth: depth + 1) } while skip(",")
            try expect("]")
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: _ = try number()
        }
    }

    mutating func literal(_ word: StaticString) throws(Malformed) {
        guard position + word.utf8CodeUnitCount <= bytes.count else { throw Malformed() }
        for index in 0..<word.utf8CodeUnitCount where bytes[position + index] != word.utf8Start[index] {
            throw Malformed()
        }
        position += word.utf8CodeUnitCount
    }

    func matches(_ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<range.count where bytes[range.lowerBound + index] != word.utf8Start[index] { return false }
        return true
    }
}

private func isHexadecimal(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- UInt8(ascii: "a") < 6 }
