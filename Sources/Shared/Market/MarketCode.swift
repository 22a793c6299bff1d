/// A market: the currency that is paid with, a hyphen, the one that is traded (`KRW-BTC`, `BTC-ETH`).
package enum MarketCode {
    /// Longer than any market that an exchange has listed; the bound protects keys and indexes.
    static let lengthLimit = 32

    /// True for ASCII letters, digits, `.` and `_` on both sides of at least one hyphen.
    package static func isValid(_ code: UnsafeRawBufferPointer) -> Bool {
        guard code.count <= lengthLimit, let hyphen = code.firstIndex(of: UInt8(ascii: "-")),
            hyphen > 0, hyphen < code.count - 1
        else { return false }
        return code.allSatisfy { byte in
            isDigit(byte) || (byte | 0x20) &- UInt8(ascii: "a") < 26
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
        }
    }

    /// The column `code`: won markets lose their `KRW-`, since users of the table ask for `BTC`; all
    /// others keep the whole code, so that `BTC-ETH` and `KRW-ETH` never meet.
    package static func column(_ code: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let won: StaticString = "KRW-"
        guard code.count > 4, (0..<4).allSatisfy({ code[$0] == won.utf8Start[$0] }) else { return code }
        return UnsafeRawBufferPointer(rebasing: code[4...])
    }
}
