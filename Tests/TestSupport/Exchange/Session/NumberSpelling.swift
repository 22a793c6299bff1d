/// One of the ways in which numbers are spelled on the wire, by the exchange's own encoders over the
/// years and by programs that pass its data on.
package enum NumberSpelling: CaseIterable, Sendable {
    /// `122720000.00000000`, `0.00020372`: at least eight decimals.
    case eightDecimals
    /// `2178000.0000`.
    case fourDecimals
    /// `103160000`, `0.0047861`: no zeros that carry no value.
    case shortest
    /// A Java `Double`: `46810000.0` is `4.681E7`, and `5.0E-4`; plain from 10^-3 up to 10^7.
    case javaDouble
    /// A Java `BigDecimal` without trailing zeros: `1E-8`, plain from 10^-6.
    case bigDecimal
    /// Python: `5e-07`, plain from 10^-4, and `46810000.0`.
    case python

    package func text(of value: ExactDecimal) -> String {
        switch self {
        case .eightDecimals: plain(value, decimals: 8)
        case .fourDecimals: plain(value, decimals: 4)
        case .shortest: plain(value, decimals: 0)
        case .javaDouble:
            value.units >= 1_000_000_000 && value.units < 10_000_000_000_000_000_000
                ? plain(value, decimals: 1) : scientific(value, "E", decimals: 1, exponentWidth: 1)
        case .bigDecimal:
            value.units >= 1_000_000
                ? plain(value, decimals: 0) : scientific(value, "E", decimals: 0, exponentWidth: 1)
        case .python:
            value.units >= 100_000_000
                ? plain(value, decimals: 1) : scientific(value, "e", decimals: 0, exponentWidth: 2)
        }
    }

    private func plain(_ value: ExactDecimal, decimals: Int) -> String {
        var bytes: [UInt8] = []
        bytes.append(decimal: value.units, scale: ExactDecimal.scale, decimals: decimals)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// One digit, a point when digits follow or `decimals` asks for them, then the exponent.
    private func scientific(_ value: ExactDecimal, _ mark: String, decimals: Int, exponentWidth: Int) -> String {
        guard value.units > 0 else { return "0" }
        var digits = String(value.units)
        let exponent = digits.count - 1 - ExactDecimal.scale
        while digits.count > 1, digits.last == "0" { digits.removeLast() }
        let first = digits.removeFirst()
        while digits.count < decimals { digits.append("0") }
        var exponentDigits = String(abs(exponent))
        while exponentDigits.count < exponentWidth { exponentDigits = "0" + exponentDigits }
        let point = digits.isEmpty ? "" : "."
        return "\(first)\(point)\(digits)\(mark)\(exponent < 0 ? "-" : "")\(exponentDigits)"
    }
}
