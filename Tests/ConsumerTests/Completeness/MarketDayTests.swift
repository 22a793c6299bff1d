import Testing

@testable import Consumer

@Suite("A market's day on the line of its volume")
struct MarketDayTests {
    @Test("A tick that goes on where the last one ended is the next")
    func next() {
        var day = MarketDay()
        #expect(day.take(volume: 5, sum: 5) == .next)
        #expect(day.take(volume: 3, sum: 8) == .next)
        #expect(day.last == 8)
    }

    @Test("The sum of the tick before, once more, is a repeat")
    func repeated() {
        var day = MarketDay()
        _ = day.take(volume: 5, sum: 5)
        #expect(day.take(volume: 5, sum: 5) == .repeated)
        #expect(day.take(volume: 3, sum: 8) == .next)
        #expect(day.take(volume: 5, sum: 5) == .repeated, "an older one is a repeat as well, since it fills no hole")
    }

    @Test("A skip leaves a hole, which late ticks fill piece by piece, each once")
    func late() {
        var day = MarketDay()
        _ = day.take(volume: 5, sum: 5)
        #expect(day.take(volume: 1, sum: 12) == .skip)
        #expect(day.take(volume: 2, sum: 9) == .late)
        #expect(day.take(volume: 2, sum: 9) == .repeated)
        #expect(day.take(volume: 2, sum: 7) == .late)
        #expect(day.take(volume: 2, sum: 11) == .late)
        #expect(day.take(volume: 2, sum: 11) == .repeated)
        #expect(day.last == 12)
    }

    @Test("What was traded before the day's first tick is a hole, but nothing was skipped")
    func firstTick() {
        var day = MarketDay()
        #expect(day.take(volume: 2, sum: 100) == .next)
        #expect(day.take(volume: 98, sum: 98) == .late)
    }

    @Test("After a restart a day goes on where it ended, and what is told of earlier is taken for told before")
    func resumed() {
        var day = MarketDay(last: 100)
        #expect(day.take(volume: 3, sum: 100) == .repeated)
        #expect(day.take(volume: 5, sum: 50) == .repeated)
        #expect(day.take(volume: 1, sum: 101) == .next)
        #expect(day.take(volume: 1, sum: 103) == .skip)
        #expect(day.take(volume: 1, sum: 102) == .late)
    }

    @Test("Beyond the limit the oldest hole is forgotten")
    func manyHoles() {
        var day = MarketDay()
        // Trades of 1 with a hole of 1 before each.
        let count = Int128(MarketDay.holeLimit)
        for number in 1...count + 1 { _ = day.take(volume: 1, sum: 2 * number) }
        #expect(day.take(volume: 1, sum: 1) == .repeated)
        for number in 2...count + 1 { #expect(day.take(volume: 1, sum: 2 * number - 1) == .late) }
    }
}
