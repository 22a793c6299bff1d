/// What the exchange knows of one market: its day's sums and the values that a ticker repeats.
struct MarketLedger: Sendable {
    /// The sums of one UTC day.
    struct Day: Sendable {
        let number: Int64
        /// Trillionths.
        var volume: Int128 = 0
        var askVolume: Int128 = 0
        var bidVolume: Int128 = 0
        /// Price times volume, in 10^-16, the sixteen decimals of the wire.
        var value: Int128 = 0
        /// Trillionths.
        var opening: Int128
        var high: Int128
        var low: Int128
        var previousClosing: Int128

        init(number: Int64, price: Int128, previousClosing: Int128) {
            self.number = number
            self.previousClosing = previousClosing
            (opening, high, low) = (price, price, price)
        }
    }

    private(set) var today: Day
    /// Late trades of the day before still count there.
    private var yesterday: Day?
    private(set) var lastTrade: Trade

    init(market: Int, price: ExactDecimal, start: Int64) {
        // Before its first trade a market shows one of the day before, an hour old.
        lastTrade = Trade(
            market: market, timestamp: start - 3_600_000, priceText: NumberSpelling.eightDecimals.text(of: price),
            volumeText: "0.00010000", price: price, volume: ExactDecimal(units: 100_000_000), isBid: true,
            isRepeat: true)
        today = Day(number: Self.day(of: start), price: price.units, previousClosing: price.units)
    }

    /// Enters a trade and returns its day as it stands after it.
    mutating func enter(_ trade: Trade) -> Day {
        let number = Self.day(of: trade.timestamp)
        if number > today.number {
            yesterday = today
            today = Day(number: number, price: trade.price.units, previousClosing: lastTrade.price.units)
        }
        defer { lastTrade = trade }
        if number == today.number {
            today.add(trade)
            return today
        }
        if yesterday?.number != number {
            // Later than a day: its sums are gone, so they start at this trade.
            yesterday = Day(number: number, price: trade.price.units, previousClosing: trade.price.units)
        }
        yesterday?.add(trade)
        return yesterday ?? today
    }

    static func day(of timestamp: Int64) -> Int64 {
        timestamp >= 0 ? timestamp / 86_400_000 : (timestamp - 86_399_999) / 86_400_000
    }
}

extension MarketLedger.Day {
    fileprivate mutating func add(_ trade: Trade) {
        high = max(high, trade.price.units)
        low = min(low, trade.price.units)
        guard !trade.isRepeat else { return }
        volume &+= trade.volume.units
        if trade.isBid { bidVolume &+= trade.volume.units } else { askVolume &+= trade.volume.units }
        value &+= (trade.price.units / 10_000) &* (trade.volume.units / 10_000)
    }
}
