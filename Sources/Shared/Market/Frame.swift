/// What a frame from the exchange is, found in as few of its bytes as that takes.
///
/// Source: Upbit's WebSocket reference: data objects have a `code`; `{"status":"UP"}` is a
/// heartbeat; `{"error":{"name":"WRONG_FORMAT","message":"…"}}` comes before a close.
package enum Frame: Equatable, Sendable {
    /// Everything that is neither of the others, even what is not JSON: it becomes a record, and
    /// whoever reads the record decides what it is worth.
    case data(Key)
    case status
    case error

    /// What a record is filed under, as far as the frame tells.
    package struct Key: Equatable, Sendable {
        /// Where the market's code stands in the frame.
        package var code: Range<Int>?
        /// Milliseconds since 1970.
        package var timestampMilliseconds: Int64?

        package init(code: Range<Int>? = nil, timestampMilliseconds: Int64? = nil) {
            self.code = code
            self.timestampMilliseconds = timestampMilliseconds
        }
    }

    package init(_ frame: UnsafeRawBufferPointer) {
        var scanner = JSONScanner(frame)
        var key = Key()
        // Only what has no market is one of these: a ticker may get a field of that name any day.
        var other: Frame?
        do {
            try scanner.expect("{")
            repeat {
                let name = try scanner.string()
                try scanner.expect(":")
                switch name.count {
                case 4 where scanner.matches(name, "code"): key.code = try Self.code(from: &scanner, in: frame)
                case 15 where scanner.matches(name, "trade_timestamp"):
                    let value = UnsafeRawBufferPointer(rebasing: frame[try scanner.value()])
                    key.timestampMilliseconds = milliseconds(value).flatMap {
                        Tick.timestampRange.contains($0) ? $0 : nil
                    }
                case 5 where scanner.matches(name, "error"):
                    other = .error
                    try scanner.skipValue()
                case 6 where scanner.matches(name, "status"):
                    other = other ?? .status
                    try scanner.skipValue()
                default: try scanner.skipValue()
                }
            } while (key.code == nil || key.timestampMilliseconds == nil) && scanner.skip(",")
        } catch {
            // What was found before the text broke is still right.
        }
        self = key.code == nil ? other ?? .data(key) : .data(key)
    }

    private static func code(
        from scanner: inout JSONScanner, in frame: UnsafeRawBufferPointer
    ) throws(JSONScanner.Malformed) -> Range<Int>? {
        guard scanner.peek() == UInt8(ascii: "\"") else {
            try scanner.skipValue()
            return nil
        }
        let range = try scanner.string()
        return MarketCode.isValid(UnsafeRawBufferPointer(rebasing: frame[range])) ? range : nil
    }
}
