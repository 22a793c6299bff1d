import Testing

@testable import Consumer

@Suite("The figures of markets and hours")
struct MarketHoursTests {
    /// 2026-05-12 23:00 UTC, and its hour since 1970.
    private let eleven: Int64 = 1_778_626_800_000
    private var hour: Int { Int(eleven / 3_600_000) }
    private let minute: Int64 = 60_000

    @Test("Each market and hour adds up its own ticks")
    func hours() {
        var hours = MarketHours()
        hours.add("BTC", at: eleven, "0.5", sum: "10.5")
        hours.add("ETH", at: eleven, "2", sum: "2")
        hours.add("BTC", at: eleven + 1, "1E-8", sum: "10.50000001")
        hours.add("BTC", at: eleven - 1, "0.25", sum: "10.75000001")
        hours.resumeWithNothing()
        #expect(
            hours.figures == [
                HourKey(code: "BTC", hour: hour): HourFigures(
                    ticks: 2, volume: units("0.50000001"), sums: units("10")...units("10.50000001")),
                HourKey(code: "BTC", hour: hour - 1): HourFigures(
                    ticks: 1, volume: units("0.25"), sums: units("10.50000001")...units("10.75000001")),
                HourKey(code: "ETH", hour: hour): HourFigures(ticks: 1, volume: units("2"), sums: 0...units("2")),
            ])
    }

    @Test("The sum begins anew at 00:00 UTC, and a late trade of the day before still belongs to that day")
    func midnight() {
        var hours = MarketHours()
        hours.add("BTC", at: eleven + 59 * minute, "1", sum: "100")
        hours.add("BTC", at: eleven + 60 * minute, "2", sum: "2")
        hours.add("BTC", at: eleven + 60 * minute - 1, "3", sum: "103")
        hours.add("BTC", at: eleven + 61 * minute, "4", sum: "6")
        hours.resumeWithNothing()
        #expect(
            hours.figures == [
                HourKey(code: "BTC", hour: hour): HourFigures(
                    ticks: 2, volume: units("4"), sums: units("99")...units("103")),
                HourKey(code: "BTC", hour: hour + 1): HourFigures(
                    ticks: 2, volume: units("6"), sums: 0...units("6")),
            ])
    }

    @Test("A skip over the turn of the hour is counted where it was noticed")
    func skipOverHour() {
        var hours = MarketHours()
        hours.add("BTC", at: eleven - 1, "1", sum: "1")
        hours.add("BTC", at: eleven, "1", sum: "9")
        hours.resumeWithNothing()
        #expect(hours.figures[HourKey(code: "BTC", hour: hour - 1)]?.skips == 0)
        #expect(hours.figures[HourKey(code: "BTC", hour: hour)]?.skips == 1)
        #expect(hours.figures[HourKey(code: "BTC", hour: hour)]?.sums == units("8")...units("9"))
    }

    @Test(
        "A tick whose sum cannot be used counts with its volume, and as unsummed",
        arguments: [nil, "0.1234567891", "1e30", "99999999999999999999", "x", "", "0.5"])
    func unsummed(_ sum: String?) {
        var hours = MarketHours()
        hours.add("BTC", at: eleven, "0.75", sum: sum)
        #expect(hours.unknownDays.isEmpty, "there is nothing to judge it by")
        #expect(
            hours.figures == [
                HourKey(code: "BTC", hour: hour): HourFigures(ticks: 1, volume: units("0.75"), unsummed: 1)
            ])
    }

    @Test(
        "A volume that no sum can hold goes to the database as its text", arguments: ["0.1234567891", "1E29", "1e-999"])
    func oversized(_ volume: String) {
        var hours = MarketHours()
        hours.add("BTC", at: eleven, volume, sum: "5")
        var texts: [String] = []
        hours.forEachLine { code, hour, figures, text in
            #expect(Array(code) == Array("BTC".utf8) && hour == self.hour)
            #expect(figures == HourFigures(ticks: 1, unsummed: 1))
            texts.append(String(decoding: text ?? [], as: UTF8.self))
        }
        #expect(texts == [volume])
    }

    @Test("A day is asked for once, and goes on with what is known of it")
    func resume() {
        var hours = MarketHours()
        hours.add("BTC", at: eleven, "1", sum: "101")
        hours.add("BTC", at: eleven, "1", sum: "101")
        hours.add("ETH", at: eleven, "1", sum: "51")
        #expect(hours.unknownDays.map { String(decoding: $0.code, as: UTF8.self) } == ["BTC", "ETH"])
        #expect(hours.unknownDays.map(\.day) == [hour / 24, hour / 24])
        hours.resume([MarketDay(last: units("100")), MarketDay(last: units("51"))])
        #expect(hours.unknownDays.isEmpty)
        let bitcoin = hours.figures[HourKey(code: "BTC", hour: hour)]
        #expect(bitcoin?.skips == 0 && bitcoin?.repeats == 1 && bitcoin?.repeatedVolume == units("1"))
        #expect(hours.figures[HourKey(code: "ETH", hour: hour)]?.repeats == 1)

        hours.written()
        #expect(hours.figures.isEmpty)
        hours.add("BTC", at: eleven, "1", sum: "103")
        #expect(hours.unknownDays.isEmpty, "the day is remembered over batches")
        #expect(
            hours.figures == [
                HourKey(code: "BTC", hour: hour): HourFigures(
                    ticks: 1, volume: units("1"), skips: 1, sums: units("102")...units("103"))
            ])
    }

    @Test("Thousands of markets keep apart, and are forgotten when a batch is over")
    func manyMarkets() {
        var hours = MarketHours()
        for round in 1...2 {
            for market in 0..<5_000 { hours.add("M\(market)", at: eleven, "\(market)", sum: "\(market * round)") }
        }
        #expect(hours.unknownDays.count == 5_000)
        hours.resumeWithNothing()
        let figures = hours.figures
        #expect(figures.count == 5_000)
        for market in 0..<5_000 {
            #expect(figures[HourKey(code: "M\(market)", hour: hour)]?.volume == units("\(2 * market)"))
        }
        hours.written()
        hours.add("M7", at: eleven, "7", sum: "21")
        #expect(hours.unknownDays.count == 1)
    }
}
