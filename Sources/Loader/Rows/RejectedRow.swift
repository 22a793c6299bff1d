/// A row that the warehouse cannot hold, kept as it is in the source, with the reason.
struct RejectedRow: Equatable, Sendable {
    /// time, code, price and volume in COPY's text format, tabs between them and no line feed:
    /// NULL, NaN and every digit survive, since nothing was read into another type.
    let copyFields: [UInt8]
    let reason: String
}

/// Appends `text` as one field of COPY's text format.
func appendCopyField(_ text: String, to bytes: inout [UInt8]) {
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "\\"): bytes.append(contentsOf: #"\\"#.utf8)
        case UInt8(ascii: "\t"): bytes.append(contentsOf: #"\t"#.utf8)
        case UInt8(ascii: "\n"): bytes.append(contentsOf: #"\n"#.utf8)
        case UInt8(ascii: "\r"): bytes.append(contentsOf: #"\r"#.utf8)
        default: bytes.append(byte)
        }
    }
}

/// The bytes that a field of COPY's text format stands for; nil for NULL (`\N`).
///
/// `COPY TO` writes no octal or hexadecimal escapes, so a letter stands for a control character and
/// anything else for itself (PostgreSQL manual, COPY, "Text Format").
func copyFieldValue(_ field: UnsafeRawBufferPointer) -> [UInt8]? {
    if field.elementsEqual(#"\N"#.utf8) { return nil }
    var value: [UInt8] = []
    var isEscaped = false
    for byte in field {
        if isEscaped {
            value.append(controlCharacters[byte] ?? byte)
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else {
            value.append(byte)
        }
    }
    return value
}

private let controlCharacters: [UInt8: UInt8] = [
    UInt8(ascii: "b"): 8, UInt8(ascii: "t"): 9, UInt8(ascii: "n"): 10, UInt8(ascii: "v"): 11,
    UInt8(ascii: "f"): 12, UInt8(ascii: "r"): 13,
]
