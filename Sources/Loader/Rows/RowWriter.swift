/// Writes a row into memory that is known to be enough for it.
///
/// An array asks before each byte whether it is shared and whether there is room; here that is asked once a row.
struct RowWriter {
    private let start: UnsafeMutableRawPointer
    private var next: UnsafeMutableRawPointer

    var count: Int { next - start }

    /// Appends to `bytes` what `body` writes.
    ///
    /// - Parameter limit: `body` must not write more.
    static func append(
        to bytes: inout [UInt8], atMost limit: Int, _ body: (inout RowWriter) -> Void
    ) {
        bytes.append(addingCapacity: limit) { span in
            span.withUnsafeMutableBufferPointer { buffer, count in
                guard let base = buffer.baseAddress else { return }
                var writer = RowWriter(start: base + count, next: base + count)
                body(&writer)
                assert(writer.count <= limit)
                count += writer.count
            }
        }
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        next.storeBytes(of: byte, as: UInt8.self)
        next += 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        next.copyMemory(from: base, byteCount: bytes.count)
        next += bytes.count
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        next.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        next += text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    /// - Parameter number: not negative.
    mutating func append(digitsOf number: Int) {
        var digits = 1
        var limit = 10
        while digits < 19, number >= limit {
            digits += 1
            limit &*= 10
        }
        var rest = number
        for position in stride(from: digits - 1, through: 0, by: -1) {
            next.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: position, as: UInt8.self)
            rest /= 10
        }
        next += digits
    }

    /// Appends a byte of a JSON string.
    mutating func append(json byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            append(UInt8(ascii: "\\"))
            append(byte)
        case 0..<0x20:
            append(#"\u00"#)
            append(UInt8(ascii: byte < 0x10 ? "0" : "1"))
            append((byte & 15) + ((byte & 15) < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10))
        default:
            append(byte)
        }
    }
}
