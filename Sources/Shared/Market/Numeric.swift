/// An exact decimal as BigQuery's `NUMERIC` holds it: at most 29 digits before the point and 9 behind.
///
/// It is a whole number of billionths in 128 bits, so that comparing and adding are exact and cheap.
/// It never rounds: a number that does not fit is refused with the reason.
package struct Numeric: Equatable, Comparable, Sendable {
    /// Billionths.
    package let units: Int128

    /// 10^38 - 1, the largest magnitude that `NUMERIC` holds.
    package static let unitLimit: Int128 = 99_999_999_999_999_999_999_999_999_999_999_999_999

    /// Why a text is not a `NUMERIC`.
    package enum Refusal: Error, Equatable, CustomStringConvertible {
        case notANumber
        case tooManyDecimals
        case tooManyIntegerDigits

        package var description: String {
            switch self {
            case .notANumber: "not a number"
            case .tooManyDecimals: "more than 9 decimals"
            case .tooManyIntegerDigits: "more than 29 integer digits"
            }
        }
    }

    package init(units: Int128) { self.units = units }

    /// Reads a number in any of JSON's spellings, the whole of `bytes`.
    package init(_ bytes: UnsafeRawBufferPointer) throws(Refusal) {
        guard let text = DecimalText(bytes), text.end == bytes.count else { throw .notANumber }
        try self.init(text, in: bytes)
    }

    /// The number that was found in `bytes`.
    package init(_ text: DecimalText, in bytes: UnsafeRawBufferPointer) throws(Refusal) {
        let magnitude =
            if let units = Self.ordinary(text, in: bytes) { units } else { try Self.anySpelling(text, in: bytes) }
        units = text.isNegative ? -magnitude : magnitude
    }

    /// Billionths of a number with at most 18 digits, 9 of them behind the point, and no exponent; nil for
    /// others. Nearly all are so, and their digits fit in 64 bits.
    private static func ordinary(_ text: DecimalText, in bytes: UnsafeRawBufferPointer) -> Int128? {
        guard text.exponent == 0, text.fraction.count <= 9, text.integer.count + text.fraction.count <= 18 else {
            return nil
        }
        var digits: UInt64 = 0
        for position in text.integer { digits = digits &* 10 &+ UInt64(bytes[position] &- UInt8(ascii: "0")) }
        for position in text.fraction { digits = digits &* 10 &+ UInt64(bytes[position] &- UInt8(ascii: "0")) }
        return Int128(digits) * powersOfTen[9 - text.fraction.count]
    }

    private static func anySpelling(
        _ text: DecimalText, in bytes: UnsafeRawBufferPointer
    ) throws(Refusal) -> Int128 {
        var units: Int128 = 0
        // The power of ten of the digit at hand, in billionths: the digit before the point is 10^9.
        var power = text.integer.count - 1 + text.exponent + 9
        for range in [text.integer, text.fraction] {
            for position in range {
                let digit = bytes[position] - UInt8(ascii: "0")
                if digit != 0 {
                    if power < 0 { throw .tooManyDecimals }
                    if power > 37 { throw .tooManyIntegerDigits }
                    units += Int128(digit) * powersOfTen[power]
                }
                power -= 1
            }
        }
        return units
    }

    package init(_ text: String) throws(Refusal) {
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(Refusal) in try Numeric(UnsafeRawBufferPointer(bytes)) }
        }
        self = try result.get()
    }

    package static func < (left: Numeric, right: Numeric) -> Bool { left.units < right.units }
}

extension Numeric: CustomStringConvertible {
    /// Plain decimal text without an exponent and without zeros that carry no value: `0.0000005`.
    package var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends ``description`` as ASCII.
    package func append(to bytes: inout [UInt8]) {
        let magnitude = units.magnitude
        if units < 0 { bytes.append(UInt8(ascii: "-")) }
        let (integer, fraction) = magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        bytes.append(contentsOf: String(integer).utf8)
        guard fraction != 0 else { return }
        bytes.append(UInt8(ascii: "."))
        var rest = UInt32(fraction)
        var divisor: UInt32 = 100_000_000
        while rest != 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest / divisor))
            rest %= divisor
            divisor /= 10
        }
    }
}

/// 10^0 to 10^37.
private let powersOfTen: [Int128] = {
    var powers: [Int128] = [1]
    for _ in 1...37 { powers.append(powers[powers.count - 1] * 10) }
    return powers
}()
