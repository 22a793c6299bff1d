/// A JSON text (RFC 8259) as the tokens that it is made of, without a look at their order.
struct JSONTokens {
    enum Token: Equatable {
        /// One of `{}[]:,`.
        case mark(Character)
        /// The characters as spelled, without the quotes.
        case string(String)
        case number(String)
        /// `true`, `false`, `null`.
        case word(String)
    }

    private(set) var tokens: [Token] = []

    /// nil when some of the bytes are no token.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while let byte = rest.first {
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: rest.removeFirst()
            case UInt8(ascii: "\""):
                guard let string = Self.takeString(&rest) else { return nil }
                tokens.append(.string(string))
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                let text = Self.take(&rest) { "+-.0123456789eE".utf8.contains($0) }
                guard Self.isNumber(text) else { return nil }
                tokens.append(.number(text))
            case UInt8(ascii: "a")...UInt8(ascii: "z"):
                let text = Self.take(&rest) { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
                guard ["true", "false", "null"].contains(text) else { return nil }
                tokens.append(.word(text))
            default:
                guard "{}[]:,".utf8.contains(byte) else { return nil }
                tokens.append(.mark(Character(Unicode.Scalar(byte))))
                rest.removeFirst()
            }
        }
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, while matches: (UInt8) -> Bool) -> String {
        let taken = rest.prefix(while: matches)
        rest = rest.dropFirst(taken.count)
        return String(decoding: taken, as: UTF8.self)
    }

    private static func takeString(_ rest: inout ArraySlice<UInt8>) -> String? {
        rest.removeFirst()
        let all = rest
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") {
                return String(validating: all[..<(rest.startIndex - 1)], as: UTF8.self)
            }
            if byte < 0x20 { return nil }
            guard byte == UInt8(ascii: "\\") else { continue }
            guard let escaped = rest.popFirst() else { return nil }
            if escaped == UInt8(ascii: "u") {
                let digits = rest.prefix(4)
                guard digits.count == 4, digits.allSatisfy({ "0123456789abcdefABCDEF".utf8.contains($0) }) else {
                    return nil
                }
                rest = rest.dropFirst(4)
            } else if !"\"\\/bfnrt".utf8.contains(escaped) {
                return nil
            }
        }
        return nil
    }

    /// No more digits than a thousand before the exponent, and none beyond ±1,000: the consumer's limits.
    private static func isNumber(_ text: String) -> Bool {
        let unsigned = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let parts = unsigned.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        let mantissa = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let isMantissa =
            mantissa.allSatisfy(isDigits) && (mantissa[0].count == 1 || !mantissa[0].hasPrefix("0"))
            && mantissa.reduce(0) { $0 + $1.count } <= 1_000
        guard isMantissa, parts.count == 2 else { return isMantissa }
        let exponent = parts[1].hasPrefix("-") || parts[1].hasPrefix("+") ? parts[1].dropFirst() : parts[1]
        let digits = exponent.drop { $0 == "0" }
        return isDigits(exponent) && digits.count <= 4 && (Int(digits) ?? 0) <= 1_000
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
