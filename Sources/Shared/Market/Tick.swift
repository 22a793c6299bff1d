/// One trade as a ticker frame tells it: where its fields stand in the frame's bytes.
///
/// ```
/// {"type":"ticker","code":"KRW-BTC","trade_price":122902000.00000000,"trade_volume":0.00020372,
///  "acc_trade_volume":160.18173252,"trade_timestamp":1745130655618, …}
/// ```
///
/// Source: Upbit's WebSocket reference, "Ticker", format DEFAULT. The order of the fields differs
/// from year to year, unknown ones appear, and some are absent; four are needed for a row.
package struct Tick: Equatable, Sendable {
    /// The market as the exchange spells it: `KRW-BTC`.
    package let code: Range<Int>
    package let price: Range<Int>
    package let volume: Range<Int>
    /// The market's volume since 00:00 UTC, when the frame has it.
    package let accumulatedVolume: Range<Int>?
    /// When the trade happened: milliseconds since 1970, UTC.
    package let timestampMilliseconds: Int64

    /// Why a record cannot become a row. The description is what a dead letter keeps as its reason.
    package enum Refusal: Error, Equatable, CustomStringConvertible {
        case noValue
        case notJSON
        case notAnObject
        case missing(Field)
        case repeated(Field)
        case impossible(Field)

        package var description: String {
            switch self {
            case .noValue: "the record has no value"
            case .notJSON: "not JSON"
            case .notAnObject: "not a JSON object"
            case .missing(let field): "\(field.rawValue) is missing"
            case .repeated(let field): "\(field.rawValue) stands there twice"
            case .impossible(let field): "\(field.rawValue) is \(field.expectation)"
            }
        }
    }

    /// The fields that are read.
    package enum Field: String, Sendable {
        case code
        case price = "trade_price"
        case volume = "trade_volume"
        case timestamp = "trade_timestamp"

        fileprivate var expectation: String {
            switch self {
            case .code: "not a market code"
            case .price, .volume: "not a decimal number of zero or more"
            case .timestamp: "not a time in milliseconds from 2000 to 2100"
            }
        }
    }

    /// Reads a whole frame, in one pass and without allocating.
    ///
    /// The frame is checked to its last byte: one that breaks off behind the fields is not JSON
    /// either, and whoever reads the table later could not tell.
    package init(parsing frame: UnsafeRawBufferPointer) throws(Refusal) {
        var scanner = JSONScanner(frame)
        var fields = Fields()
        do {
            guard scanner.peek() == UInt8(ascii: "{") else {
                try scanner.skipValue()
                try scanner.expectEnd()
                throw Refusal.notAnObject
            }
            try scanner.expect("{")
            if !scanner.skip("}") {
                repeat {
                    let key = try scanner.string()
                    try scanner.expect(":")
                    try fields.read(key, from: &scanner, in: frame)
                } while scanner.skip(",")
                try scanner.expect("}")
            }
            try scanner.expectEnd()
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw .notJSON
        }
        if let refusal = fields.refusal { throw refusal }
        guard let code = fields.code else { throw .missing(.code) }
        guard let price = fields.price else { throw .missing(.price) }
        guard let volume = fields.volume else { throw .missing(.volume) }
        guard let timestamp = fields.timestampMilliseconds else { throw .missing(.timestamp) }
        self.code = code
        self.price = price
        self.volume = volume
        accumulatedVolume = fields.accumulatedVolume
        timestampMilliseconds = timestamp
    }

    /// The times that a trade can have: 2000-01-01 up to 2100-01-01, in milliseconds.
    package static let timestampRange: Range<Int64> = 946_684_800_000..<4_102_444_800_000
}

/// What was found so far in a frame.
private struct Fields {
    var code: Range<Int>?
    var price: Range<Int>?
    var volume: Range<Int>?
    var accumulatedVolume: Range<Int>?
    var timestampMilliseconds: Int64?
    /// The first fault. Scanning goes on behind it, since a text that is not JSON is to be called so.
    var refusal: Tick.Refusal?

    mutating func read(
        _ key: Range<Int>, from scanner: inout JSONScanner, in frame: UnsafeRawBufferPointer
    ) throws(JSONScanner.Malformed) {
        switch key.count {
        case 4 where scanner.matches(key, "code"): try readCode(from: &scanner, in: frame)
        case 11 where scanner.matches(key, "trade_price"):
            price = try decimal(.price, known: price, from: &scanner)
        case 12 where scanner.matches(key, "trade_volume"):
            volume = try decimal(.volume, known: volume, from: &scanner)
        case 15 where scanner.matches(key, "trade_timestamp"): try readTimestamp(from: &scanner, in: frame)
        case 16 where scanner.matches(key, "acc_trade_volume"):
            accumulatedVolume = try optionalDecimal(from: &scanner)
        default: try scanner.skipValue()
        }
    }

    private mutating func readCode(
        from scanner: inout JSONScanner, in frame: UnsafeRawBufferPointer
    ) throws(JSONScanner.Malformed) {
        guard scanner.peek() == UInt8(ascii: "\"") else { return try skip(.code, in: &scanner) }
        let range = try scanner.string()
        if code != nil { return refuse(.repeated(.code)) }
        guard MarketCode.isValid(UnsafeRawBufferPointer(rebasing: frame[range])) else {
            return refuse(.impossible(.code))
        }
        code = range
    }

    private mutating func decimal(
        _ field: Tick.Field, known: Range<Int>?, from scanner: inout JSONScanner
    ) throws(JSONScanner.Malformed) -> Range<Int>? {
        guard startsNumber(scanner.peek()) else {
            try skip(field, in: &scanner)
            return known
        }
        let start = scanner.position
        let number = try scanner.number()
        if known != nil { refuse(.repeated(field)) }
        if number.isNegative { refuse(.impossible(field)) }
        return start..<number.end
    }

    /// A field that no row needs: a value that cannot be used is as good as none.
    private func optionalDecimal(from scanner: inout JSONScanner) throws(JSONScanner.Malformed) -> Range<Int>? {
        let isNumber = isDigit(scanner.peek())
        let value = try scanner.value()
        return isNumber ? value : nil
    }

    private mutating func readTimestamp(
        from scanner: inout JSONScanner, in frame: UnsafeRawBufferPointer
    ) throws(JSONScanner.Malformed) {
        guard startsNumber(scanner.peek()) else { return try skip(.timestamp, in: &scanner) }
        let start = scanner.position
        let number = try scanner.number()
        if timestampMilliseconds != nil { return refuse(.repeated(.timestamp)) }
        guard let value = milliseconds(UnsafeRawBufferPointer(rebasing: frame[start..<number.end])),
            Tick.timestampRange.contains(value)
        else { return refuse(.impossible(.timestamp)) }
        timestampMilliseconds = value
    }

    /// A value of the wrong type; null counts as missing.
    private mutating func skip(
        _ field: Tick.Field, in scanner: inout JSONScanner
    ) throws(JSONScanner.Malformed) {
        refuse(scanner.peek() == UInt8(ascii: "n") ? .missing(field) : .impossible(field))
        try scanner.skipValue()
    }

    private mutating func refuse(_ refusal: Tick.Refusal) {
        if self.refusal == nil { self.refusal = refusal }
    }
}

private func startsNumber(_ byte: UInt8) -> Bool { isDigit(byte) || byte == UInt8(ascii: "-") }

/// A whole number of at most 18 digits; nil for anything else.
func milliseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
    guard !text.isEmpty, text.count <= 18 else { return nil }
    var value: Int64 = 0
    for byte in text {
        guard isDigit(byte) else { return nil }
        value = value * 10 + Int64(byte - UInt8(ascii: "0"))
    }
    return value
}
