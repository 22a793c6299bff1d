/// Puts a Kafka response together; the counterpart of ``WireReader``.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func int8(_ value: Int8) { integer(value) }
    mutating func int16(_ value: Int16) { integer(value) }
    mutating func int32(_ value: Int32) { integer(value) }
    mutating func int64(_ value: Int64) { integer(value) }

    /// nil is the null string.
    mutating func string(_ value: String?) {
        int16(value.map { Int16($0.utf8.count) } ?? -1)
        bytes.append(contentsOf: (value ?? "").utf8)
    }

    mutating func byteString(_ value: some Collection<UInt8>) {
        int32(Int32(value.count))
        bytes.append(contentsOf: value)
    }

    /// Several byte strings as one.
    mutating func byteString(joining parts: [[UInt8]]) {
        int32(Int32(parts.reduce(0) { $0 + $1.count }))
        for part in parts { bytes.append(contentsOf: part) }
    }

    mutating func array<Elements: Collection>(
        _ elements: Elements, _ write: (inout WireWriter, Elements.Element) -> Void
    ) {
        int32(Int32(elements.count))
        for element in elements { write(&self, element) }
    }

    private mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
