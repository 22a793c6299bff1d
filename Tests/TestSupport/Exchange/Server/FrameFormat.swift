/// The formats other than DEFAULT, made from it. Not the hot path.
extension SubscriptionRequest.Format {
    /// `frame` in this format: short names for the fields, an array around the object, or both.
    func rewrite(_ frame: [UInt8]) -> [UInt8] {
        var result = isSimple ? Self.shorten(frame) : frame
        if isList { result = [UInt8(ascii: "[")] + result + [UInt8(ascii: "]")] }
        return result
    }

    /// Our own frames have neither nested objects nor quotes in texts, so a name is the text between
    /// quotes before a colon.
    private static func shorten(_ frame: [UInt8]) -> [UInt8] {
        let parts = String(decoding: frame, as: UTF8.self).split(separator: "\"", omittingEmptySubsequences: false)
        var result = ""
        for (index, part) in parts.enumerated() {
            let isName = index + 1 < parts.count && parts[index + 1].hasPrefix(":")
            if index > 0 { result += "\"" }
            result += isName ? shortNames[String(part)] ?? String(part) : String(part)
        }
        return Array(result.utf8)
    }

    private static let shortNames = [
        "type": "ty", "code": "cd", "opening_price": "op", "high_price": "hp", "low_price": "lp",
        "trade_price": "tp", "prev_closing_price": "pcp", "change": "c", "change_price": "cp",
        "signed_change_price": "scp", "change_rate": "cr", "signed_change_rate": "scr", "trade_volume": "tv",
        "acc_trade_volume": "atv", "acc_trade_volume_24h": "atv24h", "acc_trade_price": "atp",
        "acc_trade_price_24h": "atp24h", "trade_date": "tdt", "trade_time": "ttm", "trade_timestamp": "ttms",
        "ask_bid": "ab", "acc_ask_volume": "aav", "acc_bid_volume": "abv", "highest_52_week_price": "h52wp",
        "highest_52_week_date": "h52wdt", "lowest_52_week_price": "l52wp", "lowest_52_week_date": "l52wdt",
        "market_state": "ms", "is_trading_suspended": "its", "delisting_date": "dd", "market_warning": "mw",
        "timestamp": "tms", "stream_type": "st",
    ]
}
