/// A record that cannot be a row, as `dead_letters` keeps it: everything that is needed to look at it
/// and to send it again.
struct DeadLetter {
    let partition: Int32
    let offset: Int64
    let key: UnsafeRawBufferPointer?
    let value: UnsafeRawBufferPointer?
    let reason: String

    /// The columns that ``append(to:topic:)`` writes, in their order.
    static let columns = "topic, partition, kafka_offset, key, value, reason"

    /// Appends the letter as a line of COPY's text format.
    func append(to bytes: inout [UInt8], topic: String) {
        bytes.append(contentsOf: "\(topic)\t\(partition)\t\(offset)\t".utf8)
        Self.append(key, to: &bytes)
        bytes.append(UInt8(ascii: "\t"))
        Self.append(value, to: &bytes)
        bytes.append(contentsOf: "\t\(reason)\n".utf8)
    }

    /// A `bytea` in hexadecimal: `\\x7b7d`, with the backslash doubled for COPY; `\N` is NULL.
    private static func append(_ binary: UnsafeRawBufferPointer?, to bytes: inout [UInt8]) {
        guard let binary else { return bytes.append(contentsOf: #"\N"#.utf8) }
        bytes.append(contentsOf: #"\\x"#.utf8)
        let digits: StaticString = "0123456789abcdef"
        for byte in binary {
            bytes.append(digits.utf8Start[Int(byte >> 4)])
            bytes.append(digits.utf8Start[Int(byte & 15)])
        }
    }
}
