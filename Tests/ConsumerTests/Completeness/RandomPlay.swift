import Market
import TestSupport

@testable import Consumer

/// A trade of the play, as its tick tells it.
struct PlayedTrade {
    /// Unique in the play.
    let number: Int
    let code: String
    let milliseconds: Int64
    let volume: Int128
    let sum: Int128

    var volumeText: String { Numeric(units: volume).description }
    var sumText: String { Numeric(units: sum).description }
    var day: Int { Int(milliseconds / 86_400_000) }
    var hour: HourKey { HourKey(code: code, hour: Int(milliseconds / 3_600_000)) }
}

/// Random trades of three markets over two days, and the order in which their ticks arrive: some never, some
/// twice, some late.
struct RandomPlay: CustomStringConvertible {
    let seed: UInt64
    private(set) var trades: [PlayedTrade] = []
    private(set) var arrivals: [PlayedTrade] = []
    private var random: SplitMix64

    static let codes = ["BTC", "ETH", "USDT-XRP"]
    /// 2026-05-12 00:00 UTC.
    static let start: Int64 = 1_778_544_000_000

    var description: String { "seed \(seed)" }

    /// - Parameters:
    ///   - lateMinutes: trades can have times that are so much earlier than those of trades before them.
    ///   - drops: false lets every tick arrive.
    init(seed: UInt64, tradesPerMarket: Int = 300, lateMinutes: Int = 0, drops: Bool = true) {
        self.seed = seed
        random = SplitMix64(seed: seed)
        for code in Self.codes { trade(code, count: tradesPerMarket, lateMinutes: lateMinutes) }
        arrive(drops: drops)
    }

    /// Sums grow in the order in which trades are made, which is not quite that of their times.
    private mutating func trade(_ code: String, count: Int, lateMinutes: Int) {
        var sums: [Int64: Int128] = [:]
        let pause = 2 * 86_400_000 / count
        for number in 0..<count {
            let lateness = random.oneIn(4) ? random.below(lateMinutes * 60_000) : 0
            let time = Self.start + Int64(max(0, number * pause + random.below(pause) - lateness))
            let volume = Int128(1 + random.below(1_000)) * (random.oneIn(10) ? 10_000_000_000 : 1)
            sums[time / 86_400_000, default: 0] += volume
            trades.append(
                PlayedTrade(
                    number: trades.count, code: code, milliseconds: time, volume: volume,
                    sum: sums[time / 86_400_000, default: 0]))
        }
    }

    private mutating func arrive(drops: Bool) {
        var held: [PlayedTrade] = []
        for trade in trades {
            if drops, random.oneIn(20) { continue }
            if random.oneIn(20) {
                held.append(trade)
                continue
            }
            arrivals.append(trade)
            if random.oneIn(15) {
                arrivals.append(arrivals[arrivals.count - 1 - random.below(min(30, arrivals.count))])
            }
            if !held.isEmpty, random.oneIn(5) { arrivals.append(held.remove(at: random.below(held.count))) }
        }
        arrivals += held
    }
}

extension RandomPlay {
    /// What is missing of each hour; behind the last tick of a day nobody can know.
    func missing() -> [HourKey: Int128] {
        let told = Set(arrivals.map(\.number))
        var missing: [HourKey: Int128] = [:]
        for trade in trades where !told.contains(trade.number) {
            let isKnowable = arrivals.contains { $0.code == trade.code && $0.day == trade.day && $0.sum > trade.sum }
            if isKnowable { missing[trade.hour, default: 0] += trade.volume }
        }
        return missing
    }
}

/// The figures of ticks in the order of their arrival, from a book of every trade that was told.
func book(of arrivals: [PlayedTrade]) -> [HourKey: HourFigures] {
    struct MarketDayKey: Hashable {
        let code: String
        let day: Int
    }
    var told: Set<Int> = []
    var highest: [MarketDayKey: Int128] = [:]
    var figures: [HourKey: HourFigures] = [:]
    for trade in arrivals {
        var hour = figures[trade.hour, default: .init()]
        hour.ticks += 1
        hour.volume += trade.volume
        let day = MarketDayKey(code: trade.code, day: trade.day)
        if !told.insert(trade.number).inserted {
            hour.repeats += 1
            hour.repeatedVolume += trade.volume
        } else if let last = highest[day] {
            if trade.sum < last { hour.late += 1 }
            if trade.sum - trade.volume > last { hour.skips += 1 }
        }
        highest[day] = max(highest[day] ?? 0, trade.sum)
        let low = min(trade.sum - trade.volume, hour.sums?.lowerBound ?? trade.sum)
        hour.sums = low...max(trade.sum, hour.sums?.upperBound ?? 0)
        figures[trade.hour] = hour
    }
    return figures
}

/// What the figures of a market's day say that is missing up to its last tick.
func missing(_ figures: [HourKey: HourFigures], _ code: String, day: Int) -> Int128 {
    let hours = figures.filter { $0.key.code == code && $0.key.hour / 24 == day }.values
    return (hours.compactMap { $0.sums?.upperBound }.max() ?? 0)
        - hours.reduce(0) { $0 + $1.volume - $1.repeatedVolume }
}
