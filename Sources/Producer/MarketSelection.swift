import Market

/// Which markets a user wants: codes (`KRW-BTC`) and patterns (`KRW-*`, `*`).
struct MarketSelection: Equatable, Sendable {
    let patterns: [String]

    /// nil when one of the parts cannot be a code or a pattern.
    init?(_ text: String) {
        let parts = text.split(separator: ",").map { String($0.filter { !$0.isWhitespace }).uppercased() }
        guard !parts.isEmpty, parts.allSatisfy(Self.isPattern) else { return nil }
        patterns = parts
    }

    /// The markets of `listed` that are wanted, in the exchange's order.
    func choose(from listed: [String]) -> [String] {
        listed.filter { market in patterns.contains { Self.matches(market, pattern: $0[...]) } }
    }

    /// Codes that were asked for by name; the exchange ignores unknown ones without a word.
    var codes: [String] { patterns.filter { !$0.contains("*") } }

    private static func isPattern(_ text: String) -> Bool {
        // A star stands for characters, so a code must be left when each is replaced by some.
        let example = text.replacing("*", with: "A-A")
        return Array(example.utf8).withUnsafeBytes { MarketCode.isValid($0) }
    }

    private static func matches(_ text: String, pattern: Substring) -> Bool {
        matches(text[...], pattern)
    }

    /// `*` stands for any characters, also none.
    private static func matches(_ text: Substring, _ pattern: Substring) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return matches(text, pattern.dropFirst()) || (!text.isEmpty && matches(text.dropFirst(), pattern))
        }
        return text.first == first && matches(text.dropFirst(), pattern.dropFirst())
    }
}
