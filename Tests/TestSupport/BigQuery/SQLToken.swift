/// A piece of GoogleSQL.
enum SQLToken: Equatable {
    /// In backticks, without them.
    case name(String)
    /// A keyword, or a name without backticks.
    case word(String)
    case parameter(String)
    /// Without its quotes.
    case string(String)
    case number(String)
    case symbol(String)

    func isWord(_ word: String) -> Bool {
        if case .word(let own) = self { own.uppercased() == word } else { false }
    }

    /// The pieces of `query`; an error for what the fake does not know.
    static func tokens(of query: String) throws(GoogleError) -> [SQLToken] {
        var lexer = Lexer(rest: Substring(query))
        var tokens: [SQLToken] = []
        while let token = try lexer.next() { tokens.append(token) }
        return tokens
    }
}

private struct Lexer {
    var rest: Substring

    mutating func next() throws(GoogleError) -> SQLToken? {
        try skipSpaceAndComments()
        guard let first = rest.first else { return nil }
        switch first {
        case "`": return .name(try quoted("`"))
        case "'", "\"":
            if rest.hasPrefix("'''") || rest.hasPrefix("\"\"\"") { throw unknown("a triple-quoted string") }
            return .string(try quoted(first))
        case "@":
            rest.removeFirst()
            let name = takeWord()
            if name.isEmpty { throw unknown("@ without a name") }
            return .parameter(name)
        case _ where first.isASCII && first.isNumber: return .number(takeNumber())
        case _ where isWordStart(first): return try word()
        default: return try symbol()
        }
    }

    private func unknown(_ what: String) -> GoogleError { .invalidQuery("The fake does not know \(what)") }

    private mutating func take(while matches: (Character) -> Bool) -> String {
        let taken = rest.prefix(while: matches)
        rest = rest[taken.endIndex...]
        return String(taken)
    }

    private mutating func takeWord() -> String {
        take { isWordStart($0) || ($0.isASCII && $0.isNumber) }
    }

    private mutating func takeNumber() -> String { take { $0.isASCII && ($0.isNumber || $0 == ".") } }

    private mutating func word() throws(GoogleError) -> SQLToken {
        let word = takeWord()
        // r'…' and b'…' are raw strings and bytes.
        if rest.first == "'" || rest.first == "\"", ["R", "B", "RB", "BR"].contains(word.uppercased()) {
            throw unknown("a string with the prefix \(word)")
        }
        return .word(word)
    }

    private mutating func quoted(_ quote: Character) throws(GoogleError) -> String {
        rest.removeFirst()
        let text = take { $0 != quote }
        guard rest.first == quote else { throw .invalidQuery("Syntax error: Unclosed literal") }
        rest.removeFirst()
        if text.contains("\\") { throw unknown("escapes in a literal") }
        return text
    }

    private mutating func symbol() throws(GoogleError) -> SQLToken {
        let symbols = ["<=", ">=", "<>", "!=", "||", "(", ")", ",", ".", ";", "*", "=", "<", ">", "+", "-"]
        // Not `/` and `%`: in GoogleSQL 1/2 is 0.5, in PostgreSQL it is 0.
        guard let symbol = symbols.first(where: { rest.hasPrefix($0) }) else {
            throw unknown("the character \(rest.prefix(1))")
        }
        rest = rest.dropFirst(symbol.count)
        return .symbol(symbol)
    }

    private mutating func skipSpaceAndComments() throws(GoogleError) {
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
            } else if first == "#" || rest.hasPrefix("--") {
                _ = take { !$0.isNewline }
            } else if rest.hasPrefix("/*") {
                guard let end = rest.firstRange(of: "*/") else { throw .invalidQuery("Syntax error: Unclosed comment") }
                rest = rest[end.upperBound...]
            } else {
                return
            }
        }
    }
}

private func isWordStart(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character == "_")
}
