/// Takes the fields of a Kafka request one after the other: integers in network order, strings and byte
/// strings behind their length (Kafka protocol guide, "Protocol Primitive Types").
struct WireReader {
    /// A request that ends in the middle of a field.
    struct Truncated: Error {}

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
        position = 0
    }

    mutating func int8() throws(Truncated) -> Int8 { try integer() }
    mutating func int16() throws(Truncated) -> Int16 { try integer() }
    mutating func int32() throws(Truncated) -> Int32 { try integer() }
    mutating func int64() throws(Truncated) -> Int64 { try integer() }

    mutating func string() throws(Truncated) -> String {
        String(decoding: try take(Int(try int16())), as: UTF8.self)
    }

    mutating func byteString() throws(Truncated) -> ArraySlice<UInt8> { try take(Int(try int32())) }

    /// Reads as many elements as the number before them says; a null array is an empty one.
    mutating func array<Element>(
        _ element: (inout WireReader) throws(Truncated) -> Element
    ) throws(Truncated) -> [Element] {
        var elements: [Element] = []
        for _ in 0..<max(0, try int32()) { elements.append(try element(&self)) }
        return elements
    }

    private mutating func integer<Value: FixedWidthInteger>() throws(Truncated) -> Value {
        try take(Value.bitWidth / 8).reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }

    /// A negative count stands for null, and is nothing.
    private mutating func take(_ count: Int) throws(Truncated) -> ArraySlice<UInt8> {
        let count = max(0, count)
        guard bytes.count - position >= count else { throw Truncated() }
        defer { position += count }
        return bytes[position..<position + count]
    }
}
