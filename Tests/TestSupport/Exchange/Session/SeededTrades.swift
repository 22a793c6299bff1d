/// What a seeded session is made of; the same values give the same bytes everywhere.
package struct SeededSettings: Sendable {
    package var seed: UInt64
    package var frameCount: Int
    /// Markets in won, bitcoin and tether.
    package var wonMarketCount = 40
    package var bitcoinMarketCount = 0
    package var tetherMarketCount = 0
    /// The first trade's time, milliseconds since 1970. 2026-01-01T23:58:00Z, two minutes before the
    /// exchange's day rolls over.
    package var start: Int64 = 1_767_311_880_000
    /// How many frames a second of the session's own time has.
    package var framesPerSecond = 55
    /// One volume in so many has ten decimals, one more than `NUMERIC` holds; 0 for none.
    package var tenDecimalsOneIn = 0
    /// The eight decimals of each volume are the frame's number, see ``Trade/number``. Then no frame is
    /// told twice and no two are equal.
    package var isNumbered = false
    /// One frame in so many is no tick, see ``Malformation``; 0 for none. For numbered sessions, since only
    /// then no two of them are equal.
    package var malformedOneIn = 0

    package init(seed: UInt64 = 1, frameCount: Int) {
        self.seed = seed
        self.frameCount = frameCount
    }

    var markets: [ExchangeMarket] {
        ExchangeMarket.list("KRW", count: wonMarketCount, divisor: 1)
            + ExchangeMarket.list("BTC", count: bitcoinMarketCount, divisor: 122_720_000)
            + ExchangeMarket.list("USDT", count: tetherMarketCount, divisor: 1_450)
    }
}

/// Makes the trades of a seeded session, one at a time, so that a million cost no memory.
///
/// Prices walk by steps, volumes span all magnitudes of the exchange. As in the recorded data about a
/// quarter share market and millisecond with the trade before, some are equal to it in all values,
/// some are told twice, and some arrive late.
struct SeededTrades: IteratorProtocol, Sendable {
    private let settings: SeededSettings
    private let steps: [Int128]
    private var prices: [Int128]
    private var random: SplitMix64
    private var position = 0
    private var last: Trade?

    init(_ settings: SeededSettings, markets: [ExchangeMarket]) {
        self.settings = settings
        prices = markets.map(\.price.units)
        steps = prices.map(Self.step)
        random = SplitMix64(seed: settings.seed)
    }

    mutating func next() -> Trade? {
        guard position < settings.frameCount, !prices.isEmpty else { return nil }
        defer { position += 1 }
        var trade = last.flatMap { sibling(of: $0) } ?? fresh()
        last = trade
        if settings.malformedOneIn > 0, random.oneIn(settings.malformedOneIn) {
            trade.malformation = Malformation.allCases[random.below(Malformation.allCases.count)]
        }
        return trade
    }

    /// A trade in the same millisecond and market as the one before, or nil most of the time.
    private mutating func sibling(of trade: Trade) -> Trade? {
        switch random.below(100) {
        case 0..<5 where settings.isNumbered: return nil
        case 0..<3: return trade.copy(isRepeat: true)
        case 3..<5: return trade.copy(isRepeat: false)
        case 5..<27: return make(market: trade.market, timestamp: trade.timestamp)
        default: return nil
        }
    }

    private mutating func fresh() -> Trade {
        // The smaller of two draws: the first markets trade most, as on the exchange.
        let market = min(random.below(prices.count), random.below(prices.count))
        var timestamp = settings.start + Int64(position) * 1_000 / Int64(max(settings.framesPerSecond, 1))
        if position > 0, random.oneIn(9) {
            timestamp = max(settings.start, timestamp - Int64(random.below(5_000)))
        }
        return make(market: market, timestamp: timestamp)
    }

    private mutating func make(market: Int, timestamp: Int64) -> Trade {
        let step = steps[market]
        prices[market] = max(step, prices[market] + step * Int128(random.below(7) - 3))
        let price = ExactDecimal(units: prices[market])
        let volume = ExactDecimal(units: drawVolume(price: price))
        return Trade(
            market: market, timestamp: timestamp,
            priceText: drawSpelling().text(of: price), volumeText: drawSpelling().text(of: volume),
            price: price, volume: volume, isBid: random.oneIn(2), isRepeat: false)
    }

    /// From 10^-8 to ten thousand million, in trillionths.
    private mutating func drawVolume(price: ExactDecimal) -> Int128 {
        if settings.isNumbered {
            let whole = random.oneIn(4) ? 0 : random.below(1_000)
            return Int128(whole) * 1_000_000_000_000 + Int128(position + 1) * 10_000
        }
        if random.oneIn(4_096) { return 10_355_647_827_388_910_000_000 }
        let digits = Int128(1 + random.below(Int(powersOfTen[1 + random.below(9)])))
        if settings.tenDecimalsOneIn > 0, random.oneIn(settings.tenDecimalsOneIn) {
            // Odd, so that the tenth decimal is never zero.
            return (digits * 2 + 1) * 100
        }
        // Coins that cost less than a thousand are traded by the thousand.
        return digits * (price.units < 1_000_000_000_000_000 ? 10_000_000 : 10_000)
    }

    private mutating func drawSpelling() -> NumberSpelling {
        // Half of the frames are spelled as the exchange does today.
        let choice = random.below(12)
        return choice < 6 ? .eightDecimals : NumberSpelling.allCases[choice - 6]
    }

    /// The sixth digit of the price, at least 10^-8.
    private static func step(of price: Int128) -> Int128 {
        var step: Int128 = 10_000
        while step * 1_000_000 <= price { step *= 10 }
        return step
    }
}

extension Trade {
    fileprivate func copy(isRepeat: Bool) -> Trade {
        Trade(
            market: market, timestamp: timestamp, priceText: priceText, volumeText: volumeText, price: price,
            volume: volume, isBid: isBid, isRepeat: isRepeat)
    }
}
