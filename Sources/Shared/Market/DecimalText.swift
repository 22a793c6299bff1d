/// The parts of a number as JSON spells it (RFC 8259, section 6), found without converting it.
///
/// ```
/// 122720000.00000000   0E-8   1.16539E8   5e-07   103160000
/// ```
///
/// A price or volume stays decimal text on its whole way. This only finds out whether a text is a
/// number, and how many digits it needs when it is written without an exponent.
package struct DecimalText: Equatable, Sendable {
    /// Where the digits before and behind the point stand in the scanned bytes; both may have zeros
    /// that carry no value.
    package let integer: Range<Int>
    package let fraction: Range<Int>
    package let exponent: Int
    package let isNegative: Bool
    /// The first byte behind the number.
    package let end: Int

    /// An exponent beyond this is no price and no volume; the bound keeps `1E999999999` from
    /// becoming a gigabyte of zeros.
    static let exponentLimit = 1_000

    /// Scans the number that starts at `start`; nil when none does, when it has more digits than the
    /// limit, or an exponent beyond ±1,000.
    package init?(_ bytes: UnsafeRawBufferPointer, at start: Int = 0) {
        var position = start
        isNegative = position < bytes.count && bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }

        let integerStart = position
        position = bytes.endOfDigits(from: position)
        integer = integerStart..<position
        guard !integer.isEmpty else { return nil }
        // JSON has no leading zeros; a text with them comes from something that is not JSON.
        if integer.count > 1, bytes[integerStart] == UInt8(ascii: "0") { return nil }

        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            let fractionStart = position + 1
            position = bytes.endOfDigits(from: fractionStart)
            fraction = fractionStart..<position
            guard !fraction.isEmpty else { return nil }
        } else {
            fraction = position..<position
        }

        var exponent = 0
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            var isNegativeExponent = false
            if position < bytes.count, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
                isNegativeExponent = bytes[position] == UInt8(ascii: "-")
                position += 1
            }
            let exponentStart = position
            while position < bytes.count, isDigit(bytes[position]) {
                if exponent <= Self.exponentLimit {
                    exponent = exponent * 10 + Int(bytes[position] - UInt8(ascii: "0"))
                }
                position += 1
            }
            guard position > exponentStart else { return nil }
            if isNegativeExponent { exponent = -exponent }
        }
        guard abs(exponent) <= Self.exponentLimit, integer.count + fraction.count <= Self.exponentLimit else {
            return nil
        }
        self.exponent = exponent
        end = position
    }
}

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
