import Foundation
import Market
import TestSupport
import Testing

@Suite struct ExchangeSessionTests {
    @Test("A seed gives the same bytes on every walk, another seed gives others")
    func deterministic() {
        let session = Session.seeded(3, frameCount: 500)
        #expect(Array(session.frames()) == Array(session.frames()))
        #expect(session.frames().map(\.bytes) != Session.seeded(4, frameCount: 500).frames().map(\.bytes))
        #expect(session.frames().map(\.bytes.count).max() ?? 0 < 1_100)
    }

    @Test("The generator is SplitMix64: its first numbers for seed 1234567")
    func splitMix() {
        var random = SplitMix64(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
    }

    @Test("A frame has the fields of the real one, in its order, and is JSON")
    func fields() throws {
        let frame = try #require(Array(Session.seeded(frameCount: 1).frames()).first)
        let names = [
            "type", "code", "opening_price", "high_price", "low_price", "trade_price", "prev_closing_price",
            "acc_trade_price", "change", "change_price", "signed_change_price", "change_rate", "signed_change_rate",
            "ask_bid", "trade_volume", "acc_trade_volume", "trade_date", "trade_time", "trade_timestamp",
            "acc_ask_volume", "acc_bid_volume", "highest_52_week_price", "highest_52_week_date",
            "lowest_52_week_price", "lowest_52_week_date", "market_state", "is_trading_suspended", "delisting_date",
            "market_warning", "timestamp", "acc_trade_price_24h", "acc_trade_volume_24h", "stream_type",
        ]
        let text = String(decoding: frame.bytes, as: UTF8.self)
        let found = text.matches(of: /"([a-z0-9_]+)":/).map { String($0.output.1) }
        #expect(found == names)
        #expect((try? JSONSerialization.jsonObject(with: Data(frame.bytes))) != nil)
        #expect(text.field("trade_date") == "20260101" && text.field("trade_time") == "235800")
        #expect(text.field("trade_price") == frame.trade.priceText)
        #expect(text.field("trade_volume") == frame.trade.volumeText)
        #expect(text.field("trade_timestamp") == String(frame.trade.timestamp))
    }

    @Test("Each market's accumulated volume grows by each trade, exactly, and starts again at 00:00 UTC")
    func accumulatedVolume() throws {
        var settings = SeededSettings(seed: 11, frameCount: 20_000)
        (settings.wonMarketCount, settings.tenDecimalsOneIn) = (5, 50)
        var sums: [String: Int128] = [:]
        var days: Set<String> = []
        for frame in Session.seeded(settings).frames() {
            let text = String(decoding: frame.bytes, as: UTF8.self)
            days.insert(text.field("trade_date"))
            let key = text.field("trade_date") + frame.code
            let volume = try #require(ExactDecimal(text.field("trade_volume")))
            if !frame.trade.isRepeat { sums[key, default: 0] += volume.units }
            #expect(ExactDecimal(text.field("acc_trade_volume"))?.units == sums[key])
            let sides = [text.field("acc_ask_volume"), text.field("acc_bid_volume")].compactMap {
                ExactDecimal($0)?.units
            }
            #expect(sides.reduce(0, +) == sums[key])
        }
        #expect(days == ["20260101", "20260102"])
    }

    @Test("A seeded session has equal times, repeats, late trades and every spelling of a number")
    func variety() throws {
        let trades = Session.seeded(5, frameCount: 20_000).frames().map(\.trade)
        let pairs = zip(trades, trades.dropFirst())
        #expect(pairs.contains { $0.timestamp == $1.timestamp && $0.market == $1.market && $0.volume != $1.volume })
        #expect(pairs.contains { $1.isRepeat && $0.volumeText == $1.volumeText })
        #expect(
            pairs.contains {
                !$1.isRepeat && $0.timestamp == $1.timestamp && $0.volumeText == $1.volumeText
                    && $0.priceText == $1.priceText
            })
        #expect(pairs.contains { $0.timestamp > $1.timestamp })
        let texts = trades.flatMap { [$0.priceText, $0.volumeText] }
        let patterns = [
            #"\d+\.\d{8}"#, #"\d{4,}\.0000"#, #"\d+"#, #"\d\.\d+E\d"#, #"\d\.\d+E-\d"#, #"\d+\.0"#,
            #"\d(\.\d+)?e-0\d"#, #"\dE-8"#, #"10355647827\.38891"#,
        ]
        for pattern in patterns {
            let expression = try Regex(pattern)
            #expect(texts.contains { $0.wholeMatch(of: expression) != nil }, "\(pattern)")
        }
        for trade in trades {
            #expect(ExactDecimal(trade.priceText) == trade.price && ExactDecimal(trade.volumeText) == trade.volume)
        }
    }

    @Test(
        "Values are spelled as the wire does",
        arguments: [
            ("122720000", NumberSpelling.eightDecimals, "122720000.00000000"),
            ("2178000", .fourDecimals, "2178000.0000"),
            ("103160000", .shortest, "103160000"), ("116539000", .javaDouble, "1.16539E8"),
            ("0.00079276", .javaDouble, "7.9276E-4"), ("0.0005", .javaDouble, "5.0E-4"),
            ("46810", .javaDouble, "46810.0"),
            ("0.00000001", .bigDecimal, "1E-8"), ("0.0000005", .python, "5e-07"), ("46810000", .python, "46810000.0"),
            ("0.1234567891", .shortest, "0.1234567891"),
        ])
    func spelling(value: String, spelling: NumberSpelling, text: String) throws {
        let decimal = try #require(ExactDecimal(value))
        #expect(spelling.text(of: decimal) == text)
        #expect(ExactDecimal(text) == decimal)
    }

    @Test("Ten decimals are counted beside the sums, not in them")
    func tenDecimals() {
        var settings = SeededSettings(frameCount: 1_000)
        settings.tenDecimalsOneIn = 10
        let totals = Session.seeded(settings).totals()
        let fitting = Session.seeded(settings).frames().map(\.trade).filter { (try? Numeric($0.volumeText)) != nil }
        #expect(totals.frameCount == 1_000 && totals.tooManyDecimalsCount == 1_000 - fitting.count)
        #expect(totals.tooManyDecimalsCount > 50)
        let volumes = fitting.compactMap { try? Numeric($0.volumeText).units }.reduce(0, +)
        let prices = fitting.compactMap { try? Numeric($0.priceText).units }.reduce(0, +)
        #expect(totals.volumeSum.units == volumes && totals.priceSum.units == prices)
    }

    @Test("Malformed frames are no ticks, are all different, and move no sums")
    func malformed() throws {
        var settings = SeededSettings(seed: 2, frameCount: 20_000)
        (settings.isNumbered, settings.malformedOneIn) = (true, 20)
        let frames = Array(Session.seeded(settings).frames())
        let malformed = frames.filter { $0.trade.malformation != nil }
        #expect((800...1_200).contains(malformed.count) && Set(malformed.map(\.bytes)).count == malformed.count)
        #expect(Set(malformed.compactMap(\.trade.malformation)).count == Malformation.allCases.count)
        for frame in frames {
            frame.bytes.withUnsafeBytes { bytes in
                let tick = try? Tick(parsing: bytes)
                #expect((tick == nil) == (frame.trade.malformation != nil))
                guard case .data(let key) = Frame(bytes) else {
                    Issue.record("a producer would not take it: \(frame)")
                    return
                }
                #expect((key.code != nil) == (frame.trade.malformation?.tellsCode ?? true))
            }
        }
        let totals = Session.seeded(settings).totals()
        #expect(totals.malformedCount == malformed.count && totals.tickCount == 20_000 - malformed.count)
        let volumes = frames.filter { $0.trade.malformation == nil }.compactMap(\.trade.volume.numeric?.units)
        #expect(totals.volumeSum.units == volumes.reduce(0, +))
        // What the exchange says of a day, after the last frame of each market, is the sum of the ticks.
        var sums: [String: Int128] = [:]
        for frame in frames where frame.trade.malformation == nil {
            let text = String(decoding: frame.bytes, as: UTF8.self)
            let day = text.field("trade_date") + frame.code
            sums[day, default: 0] += frame.trade.volume.units
            #expect(ExactDecimal(text.field("acc_trade_volume"))?.units == sums[day])
        }
    }

    @Test("The hours are those of the first and the last trade, whatever the order")
    func hours() {
        var settings = SeededSettings(frameCount: 10_000)
        settings.framesPerSecond = 1
        let totals = Session.seeded(settings).totals()
        #expect(totals.firstHour == 1_767_308_400_000)
        #expect(totals.lastHour == 1_767_319_200_000)
    }

    @Test("A recording keeps its order and spelling, plain or compressed, and its sums are exact")
    func recording() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("recording-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("trades.csv").path
        let rows =
            "time_ms,code,trade_price,trade_volume\n1778570091254,KRW-WAXP,10.5,4387.8095238\n"
            + "1778569851656,KRW-BTC,103160000.0,5e-07\r\n1778569851657,KRW-WAXP,10.6,1e-08\n"
        try Data(rows.utf8).write(to: URL(fileURLWithPath: path))
        let plain = try Session.recording(path: path)
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", path]
        try gzip.run()
        gzip.waitUntilExit()
        let frames = Array(try Session.recording(path: path + ".gz").frames())
        #expect(frames == Array(plain.frames()))
        #expect(frames.map(\.code) == ["KRW-WAXP", "KRW-BTC", "KRW-WAXP"])
        let texts = frames.map { String(decoding: $0.bytes, as: UTF8.self) }
        #expect(texts.map { $0.field("trade_volume") } == ["4387.8095238", "5e-07", "1e-08"])
        #expect(texts.map { $0.field("acc_trade_volume") } == ["4387.80952380", "0.00000050", "4387.80952381"])
        #expect(texts.first?.field("acc_trade_price") == "46071.9999999000000000")
        #expect(plain.totals().priceSum.description == "103160021.1")
        #expect(plain.totals().volumeSum.description == "4387.80952431")
    }

    @Test(
        "A file that is no recording is refused with its line",
        arguments: ["1,KRW-BTC,1", "x,KRW-BTC,1,1", "1,KRW\"BTC,1,1", "1,KRW-BTC,1,1.0.0"])
    func badRecording(row: String) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("bad-\(UUID().uuidString).csv").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("header\n\(row)\n".utf8).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: (any Error).self) { try Session.recording(path: path) }
        #expect(error.map { "\($0)".hasPrefix("line 2 ") } == true)
    }
}
