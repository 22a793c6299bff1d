import TestSupport
import Testing

@testable import Consumer

@Suite("Figures of random trades")
struct MarketHoursModelTests {
    @Test("They are what a book of all trades says, whatever is dropped, repeated or out of order")
    func againstBook() {
        for _ in 0..<30 {
            let seed = UInt64.random(in: 0...999_999)
            let play = RandomPlay(seed: seed, lateMinutes: 20)
            var hours = MarketHours()
            for trade in play.arrivals {
                hours.add(trade.code, at: trade.milliseconds, trade.volumeText, sum: trade.sumText)
            }
            hours.resumeWithNothing()
            #expect(hours.figures == book(of: play.arrivals), "seed \(seed)")
        }
    }

    @Test("Restarts at any tick leave all volumes right, and never make a day look more complete than it is")
    func restarts() {
        for _ in 0..<30 {
            let seed = UInt64.random(in: 0...999_999)
            let play = RandomPlay(seed: seed, lateMinutes: 20)
            let stored = figuresWithRestarts(play, seed: seed)
            let book = book(of: play.arrivals)
            #expect(Set(stored.keys) == Set(book.keys), "seed \(seed)")
            for (key, figures) in stored {
                #expect(
                    figures.ticks == book[key]?.ticks && figures.volume == book[key]?.volume
                        && figures.sums == book[key]?.sums, "seed \(seed)")
                #expect(
                    missing(stored, key.code, day: key.hour / 24) >= missing(book, key.code, day: key.hour / 24),
                    "seed \(seed)")
            }
        }
    }

    /// What is merged into the table over many batches, when everything in memory is lost after some.
    private func figuresWithRestarts(_ play: RandomPlay, seed: UInt64) -> [HourKey: HourFigures] {
        var random = SplitMix64(seed: seed)
        var stored: [HourKey: HourFigures] = [:]
        var hours = MarketHours()
        for (index, trade) in play.arrivals.enumerated() {
            hours.add(trade.code, at: trade.milliseconds, trade.volumeText, sum: trade.sumText)
            guard random.oneIn(40) || index == play.arrivals.count - 1 else { continue }
            hours.resume(
                hours.unknownDays.map { code, day in
                    let last = stored.filter { $0.key.code.utf8.elementsEqual(code) && $0.key.hour / 24 == day }
                        .values.compactMap { $0.sums?.upperBound }.max()
                    return last.map { MarketDay(last: $0) } ?? MarketDay()
                })
            for (key, figures) in hours.figures { stored[key, default: .init()].merge(figures) }
            if random.oneIn(3) { hours = MarketHours() } else { hours.written() }
        }
        return stored
    }
}
