/// A frame read a second time, by rules written down anew: what the consumer must have made of it.
///
/// It shares nothing with the product's parser. That one walks the bytes by recursion and checks what it
/// meets; this one splits them into tokens first, then follows JSON's grammar with a stack.
enum SecondReading {
    /// As the columns of `trade_data` must have them.
    struct Row {
        let milliseconds: Int64
        let code: String
        let price: String
        let volume: String
    }

    /// nil when the frame must be a dead letter.
    static func row(of frame: [UInt8]) -> Row? {
        guard let tokens = JSONTokens(frame)?.tokens, let members = members(tokens) else { return nil }
        let fields = ["code", "trade_price", "trade_volume", "trade_timestamp"].map { name in
            members.filter { $0.name == name }.map(\.value)
        }
        guard fields.allSatisfy({ $0.count == 1 }),
            case .string(let code) = fields[0][0], let column = column(code),
            case .number(let price) = fields[1][0], !price.hasPrefix("-"),
            case .number(let volume) = fields[2][0], !volume.hasPrefix("-"),
            case .number(let time) = fields[3][0], time.count <= 18, let milliseconds = Int64(time),
            milliseconds >= Self.year2000, milliseconds < Self.year2100
        else { return nil }
        return Row(milliseconds: milliseconds, code: column, price: price, volume: volume)
    }

    static let year2000: Int64 = 946_684_800_000
    static let year2100: Int64 = 4_102_444_800_000

    /// `KRW-BTC` is BTC; other markets keep their names.
    private static func column(_ code: String) -> String? {
        let parts = code.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard code.utf8.count <= 32, parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty,
            code.unicodeScalars.allSatisfy(letters.contains)
        else { return nil }
        return parts[0] == "KRW" ? String(parts[1]) : code
    }

    private static let letters = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-".unicodeScalars)

    /// Values may be nested this deep in the frame's object.
    private static let depthLimit = 64

    private enum Expected {
        case value, valueOrEnd, name, nameOrEnd, colon, commaOrEnd, nothing
    }

    /// The names of the outermost object's members and the first tokens of their values; nil when the
    /// tokens are no JSON, or no object.
    private static func members(_ tokens: [JSONTokens.Token]) -> [(name: String, value: JSONTokens.Token)]? {
        guard tokens.first == .mark("{") else { return nil }
        var members: [(name: String, value: JSONTokens.Token)] = []
        var open: [Character] = []
        var name = ""
        var expected = Expected.value
        for token in tokens {
            switch (expected, token) {
            case (.valueOrEnd, .mark("]")), (.nameOrEnd, .mark("}")): open.removeLast()
            case (.value, .mark("{")), (.valueOrEnd, .mark("{")), (.value, .mark("[")), (.valueOrEnd, .mark("[")),
                (.value, .string), (.valueOrEnd, .string), (.value, .number), (.valueOrEnd, .number),
                (.value, .word), (.valueOrEnd, .word):
                guard open.count <= depthLimit else { return nil }
                if open.count == 1 { members.append((name, token)) }
                if case .mark(let mark) = token {
                    open.append(mark)
                    expected = mark == "{" ? .nameOrEnd : .valueOrEnd
                    continue
                }
            case (.name, .string(let text)), (.nameOrEnd, .string(let text)):
                if open.count == 1 { name = text }
                expected = .colon
                continue
            case (.colon, .mark(":")):
                expected = .value
                continue
            case (.commaOrEnd, .mark(",")):
                expected = open.last == "{" ? .name : .value
                continue
            case (.commaOrEnd, .mark("}")) where open.last == "{", (.commaOrEnd, .mark("]")) where open.last == "[":
                open.removeLast()
            default: return nil
            }
            expected = open.isEmpty ? .nothing : .commaOrEnd
        }
        return expected == .nothing ? members : nil
    }
}
