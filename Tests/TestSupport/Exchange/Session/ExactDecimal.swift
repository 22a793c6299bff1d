package import Market

/// A price or volume as a whole number of trillionths (10^-12).
///
/// Three decimals more than `NUMERIC` has, so that a value with ten decimals, which the warehouse
/// refuses, still counts in the exchange's own sums.
package struct ExactDecimal: Equatable, Comparable, Sendable {
    /// Trillionths.
    package var units: Int128

    static let scale = 12

    package init(units: Int128) { self.units = units }

    /// Reads a number in any of JSON's spellings; nil when it is none or has more than 12 decimals.
    package init?(_ text: String) {
        let parts = text.split(separator: "e", omittingEmptySubsequences: false)
        let exponentParts = parts.count == 2 ? parts : text.split(separator: "E", omittingEmptySubsequences: false)
        guard exponentParts.count <= 2, let mantissa = exponentParts.first else { return nil }
        var exponent = 0
        if exponentParts.count == 2 {
            guard let value = Int(exponentParts[1]) else { return nil }
            exponent = value
        }
        // `Numeric` counts billionths, so the thousandfold in billionths is the value in trillionths.
        guard let thousandfold = try? Numeric("\(mantissa)e\(exponent + 3)") else { return nil }
        units = thousandfold.units
    }

    /// The value as the warehouse holds it; nil when it has more than 9 decimals.
    package var numeric: Numeric? {
        let (billionths, rest) = units.quotientAndRemainder(dividingBy: 1_000)
        return rest == 0 ? Numeric(units: billionths) : nil
    }

    package static func < (left: ExactDecimal, right: ExactDecimal) -> Bool { left.units < right.units }
}

extension [UInt8] {
    /// Appends `units` / 10^`scale` as plain decimal text with at least `decimals` decimals; further
    /// ones only when they carry value. `scale` is at most 18.
    mutating func append(decimal units: Int128, scale: Int, decimals: Int) {
        if units < 0 { append(UInt8(ascii: "-")) }
        let (whole, fraction) = units.magnitude.quotientAndRemainder(dividingBy: UInt128(powersOfTen[scale]))
        append(digitsOf: UInt64(truncatingIfNeeded: whole), width: 1)
        guard fraction != 0 || decimals > 0 else { return }
        append(UInt8(ascii: "."))
        let start = count
        append(digitsOf: UInt64(truncatingIfNeeded: fraction), width: scale)
        while count - start > decimals, self[count - 1] == UInt8(ascii: "0") { removeLast() }
        while count - start < decimals { append(UInt8(ascii: "0")) }
    }

    /// Appends the digits of `value`, with leading zeros up to `width`.
    mutating func append(digitsOf value: UInt64, width: Int) {
        let start = count
        var digits = 1
        while digits < powersOfTen.count, value >= powersOfTen[digits] { digits += 1 }
        digits = Swift.max(digits, width)
        for _ in 0..<digits { append(UInt8(ascii: "0")) }
        var rest = value
        var position = start + digits - 1
        while rest > 0 {
            self[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            position -= 1
        }
    }
}

/// 10^0 to 10^19, all that fit in 64 bits.
let powersOfTen: [UInt64] = {
    var powers: [UInt64] = [1]
    for _ in 1...19 { powers.append(powers[powers.count - 1] * 10) }
    return powers
}()
