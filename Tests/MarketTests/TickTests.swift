import Market
import TestSupport
import Testing

@Suite("A tick is read from a frame's bytes")
struct TickTests {
    /// A frame as the exchange sent it on 2025-04-20, shortened in the middle.
    static let frame = """
        {"type":"ticker","code":"KRW-BTC","opening_price":122720000.00000000,"trade_price":122902000.00000000,\
        "change":"RISE","ask_bid":"ASK","trade_volume":0.00020372,"acc_trade_volume":160.18173252,\
        "trade_timestamp":1745130655618,"delisting_date":null,"is_trading_suspended":false,"stream_type":"SNAPSHOT"}
        """

    @Test("All fields are found where they stand, as they are spelled")
    func wholeFrame() throws {
        let found = try fields(of: Self.frame)
        #expect(found == ["KRW-BTC", "122902000.00000000", "0.00020372", "160.18173252", "1745130655618"])
    }

    @Test(
        "Every number spelling of the wire is taken over digit for digit",
        arguments: [
            "122720000.00000000", "46810000.0", "103160000", "0E-8", "0", "19699800600.2538100000000000",
            "0.00020372", "1.16539E8", "7.9276E-4", "5.0E-4", "1E-8", "5e-07", "1e-08", "10355647827.38891",
            "0.1234567891", "1E+2",
        ])
    func spellings(_ spelling: String) throws {
        let found = try fields(
            of:
                #"{"code":"KRW-A","trade_price":\#(spelling),"trade_volume":\#(spelling),"trade_timestamp":1745130655618}"#
        )
        #expect(found == ["KRW-A", spelling, spelling, "", "1745130655618"])
    }

    @Test("The order of the fields, white space, unknown and nested fields do not matter")
    func order() throws {
        let found = try fields(
            of: """
                { "new" : {"a":[1,{"b":"}\\""}],"code":"no"} , "trade_volume" : 1 ,
                  "text":"KRW-\\u0042 \\ud55c 한국 🪙", "trade_timestamp":1745130655618,
                  "trade_price" : 2.50 , "list":[], "empty":{}, "yes":true, "code" : "BTC-ETH" }
                """)
        #expect(found == ["BTC-ETH", "2.50", "1", "", "1745130655618"])
    }

    @Test("A sum of the exchange that cannot be used does not cost the row", arguments: ["null", "\"1\"", "-1", "{}"])
    func unusableSum(_ sum: String) throws {
        let found = try fields(
            of:
                #"{"acc_trade_volume":\#(sum),"code":"KRW-A","trade_price":1,"trade_volume":2,"trade_timestamp":1745130655618}"#
        )
        #expect(found == ["KRW-A", "1", "2", "", "1745130655618"])
    }

    @Test(
        "What cannot be a row is refused with its reason",
        arguments: [
            ("", .notJSON),
            ("[1,2]", .notAnObject),
            ("7", .notAnObject),
            ("{}", .missing(.code)),
            (#"{"code":"KRW-A"}"#, .missing(.price)),
            (#"{"code":"KRW-A","trade_price":1}"#, .missing(.volume)),
            (#"{"code":"KRW-A","trade_price":1,"trade_volume":1}"#, .missing(.timestamp)),
            (#"{"code":null,"trade_price":1,"trade_volume":1,"trade_timestamp":1745130655618}"#, .missing(.code)),
            (
                #"{"code":"KRW-A","trade_price":null,"trade_volume":1,"trade_timestamp":1745130655618}"#,
                .missing(.price)
            ),
            (
                #"{"code":"KRW-A","trade_price":"1","trade_volume":1,"trade_timestamp":1745130655618}"#,
                .impossible(.price)
            ),
            (
                #"{"code":"KRW-A","trade_price":-1,"trade_volume":1,"trade_timestamp":1745130655618}"#,
                .impossible(.price)
            ),
            (
                #"{"code":"KRW-A","trade_price":1,"trade_volume":[],"trade_timestamp":1745130655618}"#,
                .impossible(.volume)
            ),
            (#"{"code":"KRW-A","trade_price":1,"trade_volume":1,"trade_timestamp":17}"#, .impossible(.timestamp)),
            (#"{"code":"KRW-A","trade_price":1,"trade_volume":1,"trade_timestamp":1.745E12}"#, .impossible(.timestamp)),
            (#"{"code":"KRW-A","trade_price":1,"trade_volume":1,"trade_timestamp":"x"}"#, .impossible(.timestamp)),
            (#"{"code":"BTC","trade_price":1,"trade_volume":1,"trade_timestamp":1745130655618}"#, .impossible(.code)),
            (
                #"{"code":"KRW-A\t","trade_price":1,"trade_volume":1,"trade_timestamp":1745130655618}"#,
                .impossible(.code)
            ),
            (
                #"{"code":"KRW-A","code":"KRW-B","trade_price":1,"trade_volume":1,"trade_timestamp":1745130655618}"#,
                .repeated(.code)
            ),
        ] as [(String, Tick.Refusal)])
    func refusals(_ frame: String, _ reason: Tick.Refusal) {
        #expect(throws: reason) { try fields(of: frame) }
    }

    @Test(
        "A spelling that JSON does not have is not JSON",
        arguments: ["NaN", "Infinity", "+1", ".5", "1.", "01", "1e", "0x10", "1_000", "1,5", "--1", "1E9999"])
    func unknownSpellings(_ spelling: String) {
        let frame = #"{"code":"KRW-A","trade_price":\#(spelling),"trade_volume":1,"trade_timestamp":1745130655618}"#
        #expect(throws: Tick.Refusal.self) { try fields(of: frame) }
    }

    @Test("A frame that is cut anywhere is not JSON")
    func truncation() throws {
        let bytes = Array(Self.frame.utf8)
        for length in 0..<bytes.count {
            #expect(throws: Tick.Refusal.notJSON) {
                try bytes[..<length].withUnsafeBytes { bytes throws in _ = try Tick(parsing: bytes) }
            }
        }
    }

    @Test(
        "Invalid UTF-8 anywhere in a text is not JSON",
        arguments: [
            [0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x80],
            [0xF0, 0x8F, 0xBF, 0xBF],
        ] as [[UInt8]])
    func invalidUTF8(_ broken: [UInt8]) throws {
        var bytes = Array(#"{"name":""#.utf8) + broken
        bytes += Array(#"","code":"KRW-A","trade_price":1,"trade_volume":1,"trade_timestamp":1745130655618}"#.utf8)
        #expect(throws: Tick.Refusal.notJSON) {
            try bytes.withUnsafeBytes { bytes throws in _ = try Tick(parsing: bytes) }
        }
    }

    @Test("Nesting without end is refused and does not exhaust the stack")
    func nesting() {
        let frame = #"{"a":"# + String(repeating: "[", count: 1_000_000)
        #expect(throws: Tick.Refusal.notJSON) { try fields(of: frame) }
    }

    @Test("A hundred thousand mutated frames are read or refused, and none crashes")
    func fuzz() {
        var generator = SplitMix64(seed: 20_260_101)
        let original = Array(Self.frame.utf8)
        var readCount = 0
        for _ in 0..<100_000 {
            var bytes = original
            for _ in 0...Int.random(in: 0..<3, using: &generator) {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: position)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
                }
            }
            bytes.withUnsafeBytes { bytes in
                if (try? Tick(parsing: bytes)) != nil { readCount += 1 }
                _ = Frame(bytes)
            }
        }
        // Most changes hit a place that is not read; if all were refused, nothing was tested.
        #expect(readCount > 5_000 && readCount < 95_000)
    }

    /// code, price, volume, accumulated volume ("" for none), timestamp.
    private func fields(of frame: String) throws -> [String] {
        let bytes = Array(frame.utf8)
        let tick = try bytes.withUnsafeBytes { bytes throws in try Tick(parsing: bytes) }
        let text = { (range: Range<Int>) in String(decoding: bytes[range], as: UTF8.self) }
        return [
            text(tick.code), text(tick.price), text(tick.volume), tick.accumulatedVolume.map(text) ?? "",
            "\(tick.timestampMilliseconds)",
        ]
    }
}
