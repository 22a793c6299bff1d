/// Writes ticker frames as the exchange does, with all fields of the DEFAULT format in its order of
/// 2025, and keeps each market's sums.
///
/// About 900 bytes a frame; what does not change in a market is made once.
struct TickerEncoder: Sendable {
    enum StreamType { case snapshot, realtime }

    private var ledgers: [MarketLedger]
    private let heads: [[UInt8]]
    private let tails: [[UInt8]]

    init(markets: [ExchangeMarket], start: Int64) {
        ledgers = markets.indices.map { MarketLedger(market: $0, price: markets[$0].price, start: start) }
        heads = markets.map { Array(#"{"type":"ticker","code":"\#($0.code)","opening_price":"#.utf8) }
        tails = markets.map(Self.tail)
    }

    /// Enters `trade` into its market's sums and appends its frame.
    mutating func encode(_ trade: Trade, into bytes: inout [UInt8]) {
        if let malformation = trade.malformation {
            var frame: [UInt8] = []
            write(trade, ledgers[trade.market].today, .realtime, into: &frame)
            bytes += malformation.applied(to: frame, number: trade.number)
            return
        }
        let day = ledgers[trade.market].enter(trade)
        write(trade, day, .realtime, into: &bytes)
    }

    /// Appends the market's last trade once more, as a new subscriber gets it.
    func encodeSnapshot(market: Int, into bytes: inout [UInt8]) {
        write(ledgers[market].lastTrade, ledgers[market].today, .snapshot, into: &bytes)
    }

    private func write(_ trade: Trade, _ day: MarketLedger.Day, _ type: StreamType, into bytes: inout [UInt8]) {
        bytes += heads[trade.market]
        bytes.append(price: day.opening)
        bytes.append(#","high_price":"#, price: day.high)
        bytes.append(#","low_price":"#, price: day.low)
        bytes.append(#","trade_price":"#)
        bytes += trade.priceText.utf8
        bytes.append(#","prev_closing_price":"#, price: day.previousClosing)
        bytes.append(#","acc_trade_price":"#)
        bytes.append(decimal: day.value, scale: 16, decimals: 16)
        writeChange(trade.price.units - day.previousClosing, of: day.previousClosing, into: &bytes)
        bytes.append(trade.isBid ? #","ask_bid":"BID","trade_volume":"# : #","ask_bid":"ASK","trade_volume":"#)
        bytes += trade.volumeText.utf8
        bytes.append(#","acc_trade_volume":"#, price: day.volume)
        bytes.append(#","trade_date":""#)
        bytes.append(date: trade.timestamp)
        bytes.append(#"","trade_time":""#)
        bytes.append(timeOfDay: trade.timestamp)
        bytes.append(#"","trade_timestamp":"#)
        bytes.append(digitsOf: UInt64(clamping: trade.timestamp), width: 1)
        bytes.append(#","acc_ask_volume":"#, price: day.askVolume)
        bytes.append(#","acc_bid_volume":"#, price: day.bidVolume)
        bytes += tails[trade.market]
        // The exchange tells a trade some 40 ms after it happened.
        bytes.append(digitsOf: UInt64(clamping: trade.timestamp + 40), width: 1)
        bytes.append(#","acc_trade_price_24h":"#)
        bytes.append(decimal: day.value, scale: 16, decimals: 17)
        bytes.append(#","acc_trade_volume_24h":"#, price: day.volume)
        bytes.append(type == .realtime ? #","stream_type":"REALTIME"}"# : #","stream_type":"SNAPSHOT"}"#)
    }

    /// The five fields of the change since yesterday; without one they are `0E-8` and `0`, as there.
    private func writeChange(_ change: Int128, of base: Int128, into bytes: inout [UInt8]) {
        guard change != 0, base != 0 else {
            bytes.append(#","change":"EVEN","change_price":0E-8,"signed_change_price":0E-8"#)
            bytes.append(#","change_rate":0,"signed_change_rate":0"#)
            return
        }
        let magnitude = abs(change)
        let rate = magnitude &* 10_000_000_000 / base
        bytes.append(change > 0 ? #","change":"RISE""# : #","change":"FALL""#)
        bytes.append(#","change_price":"#, price: magnitude)
        bytes.append(#","signed_change_price":"#, price: change)
        bytes.append(#","change_rate":"#)
        bytes.append(decimal: rate, scale: 10, decimals: 10)
        bytes.append(#","signed_change_rate":"#)
        bytes.append(decimal: change > 0 ? rate : -rate, scale: 10, decimals: 10)
    }

    private static func tail(of market: ExchangeMarket) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(#","highest_52_week_price":"#, price: market.price.units * 2)
        bytes.append(#","highest_52_week_date":"2025-08-14","lowest_52_week_price":"#, price: market.price.units / 2)
        bytes.append(#","lowest_52_week_date":"2024-10-10","market_state":"ACTIVE","is_trading_suspended":false"#)
        bytes.append(#","delisting_date":null,"market_warning":"NONE","timestamp":"#)
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A field's name, then trillionths with eight decimals or more.
    fileprivate mutating func append(_ name: StaticString, price units: Int128) {
        append(name)
        append(price: units)
    }

    fileprivate mutating func append(price units: Int128) {
        append(decimal: units, scale: ExactDecimal.scale, decimals: 8)
    }

    /// `yyyyMMdd` in UTC. The algorithm is Howard Hinnant's `civil_from_days`.
    fileprivate mutating func append(date timestamp: Int64) {
        let shifted = MarketLedger.day(of: timestamp) + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        append(digitsOf: UInt64(clamping: year), width: 4)
        append(digitsOf: UInt64(clamping: month), width: 2)
        append(digitsOf: UInt64(clamping: dayOfYear - (153 * monthFromMarch + 2) / 5 + 1), width: 2)
    }

    /// `HHmmss` in UTC.
    fileprivate mutating func append(timeOfDay timestamp: Int64) {
        let second = (timestamp - MarketLedger.day(of: timestamp) * 86_400_000) / 1_000
        append(digitsOf: UInt64(clamping: second / 3_600), width: 2)
        append(digitsOf: UInt64(clamping: second / 60 % 60), width: 2)
        append(digitsOf: UInt64(clamping: second % 60), width: 2)
    }
}
