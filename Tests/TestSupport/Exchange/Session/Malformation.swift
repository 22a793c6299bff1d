/// A way in which a frame is no tick. All of the frame's other bytes stay, so its number can still be found.
package enum Malformation: CaseIterable, Sendable {
    /// No JSON, with bytes that mean something to COPY, to C and to UTF-8.
    case text
    case truncated
    /// JSON, but not an object.
    case array
    case missingCode, missingPrice, missingVolume, missingTimestamp
    case nullCode, nullPrice, nullTimestamp
    case negativeVolume
    /// A number between quotes.
    case quotedPrice
    /// Beyond any year that a trade can be of.
    case farTimestamp

    /// True when the market can be read all the same, which then is the record's key.
    package var tellsCode: Bool {
        switch self {
        case .text, .array, .missingCode, .nullCode: false
        default: true
        }
    }

    /// The frame with what is wrong with it.
    func applied(to frame: [UInt8], number: Int) -> [UInt8] {
        switch self {
        case .text: Array("\\frame \(number)\tis \"none\\\n".utf8) + [0, 0xC3, 0x28]
        case .truncated: frame.dropLast(frame.count / 8)
        case .array: [UInt8(ascii: "[")] + frame + [UInt8(ascii: "]")]
        case .missingCode: frame.replacing(#""code":"#.utf8, with: #""market":"#.utf8, maxReplacements: 1)
        case .missingPrice: frame.replacing(#""trade_price":"#.utf8, with: #""price":"#.utf8)
        case .missingVolume: frame.replacing(#""trade_volume":"#.utf8, with: #""volume":"#.utf8)
        case .missingTimestamp: frame.replacing(#""trade_timestamp":"#.utf8, with: #""time":"#.utf8)
        case .nullCode: Self.setting("code", of: frame) { _ in "null" }
        case .nullPrice: Self.setting("trade_price", of: frame) { _ in "null" }
        case .nullTimestamp: Self.setting("trade_timestamp", of: frame) { _ in "null" }
        case .negativeVolume: Self.setting("trade_volume", of: frame) { "-\($0)" }
        case .quotedPrice: Self.setting("trade_price", of: frame) { #""\#($0)""# }
        case .farTimestamp: Self.setting("trade_timestamp", of: frame) { "\($0)000" }
        }
    }

    /// The frame with another value in a field; values of our own frames have no comma in them.
    private static func setting(_ field: String, of frame: [UInt8], _ change: (String) -> String) -> [UInt8] {
        guard let name = frame.firstRange(of: Array(#""\#(field)":"#.utf8)) else { return frame }
        let value = frame[name.upperBound...].prefix { $0 != UInt8(ascii: ",") }
        return frame[..<value.startIndex] + Array(change(String(decoding: value, as: UTF8.self)).utf8)
            + frame[value.endIndex...]
    }
}
