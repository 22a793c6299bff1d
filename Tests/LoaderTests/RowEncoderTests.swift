import Foundation
import Market
import Testing

@testable import Loader

@Suite("Rows from COPY to insertAll")
struct RowEncoderTests {
    private static let load = Load(
        hour: ClockHour(number: 490_901), id: "20260101T05-1767250800-abc", startedAt: "2026-01-01T07:00:00Z")

    private func encode(_ line: String, rowBytesLimit: Int = 1_000) -> (json: String, outcome: RowEncoder.Outcome) {
        let encoder = RowEncoder(load: Self.load, rowBytesLimit: rowBytesLimit)
        var body: [UInt8] = []
        let outcome = Array(line.utf8).withUnsafeBytes { encoder.append($0, ordinal: 7, to: &body) }
        return (String(decoding: body, as: UTF8.self), outcome)
    }

    private func price(_ text: String) throws -> (sent: String?, outcome: RowEncoder.Outcome) {
        let (json, outcome) = encode("2026-01-01 05:00:00+00\tBTC\t\(text)\t1\n")
        let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        return ((object?["json"] as? [String: Any])?["trade_price"] as? String, outcome)
    }

    @Test("A row is written with load id, ordinal and its four columns")
    func wholeRow() throws {
        let (json, outcome) = encode("2026-01-01 05:00:00.001+00\tBTC\t122720000.00000000\t0.00020372\n")
        #expect(
            json == """
                {"insertId":"20260101T05-1767250800-abc-7","json":{"loaded_at":"2026-01-01T07:00:00Z",\
                "load_id":"20260101T05-1767250800-abc","ordinal":7,"time":"2026-01-01T05:00:00.001Z","code":"BTC",\
                "trade_price":"122720000","trade_volume":"0.00020372"}}
                """)
        #expect(outcome == .encoded(price: try Numeric("122720000"), volume: try Numeric("0.00020372")))
    }

    /// The spellings of the wire, as `numeric` gives them back (it knows no exponent), and as a column
    /// of another type would.
    @Test(
        "Every spelling of a number is sent as the same number in plain decimals",
        arguments: [
            ("122720000.00000000", "122720000"), ("46810000.0", "46810000"), ("103160000", "103160000"),
            ("0.00000000", "0"), ("0", "0"), ("19699800600.253810000", "19699800600.25381"),
            ("0.00020372", "0.00020372"), ("116539000", "116539000"), ("0.00079276", "0.00079276"),
            ("0.00050", "0.0005"), ("0.00000001", "0.00000001"), ("1.1000000000", "1.1"),
            ("10355647827.38891", "10355647827.38891"), ("-12.5", "-12.5"), ("100", "100"), ("10.10", "10.1"),
            ("99999999999999999999999999999.999999999", "99999999999999999999999999999.999999999"),
            ("1.16539E8", "116539000"), ("0E-8", "0"), ("5e-07", "0.0000005"), ("1e-08", "0.00000001"),
            ("19699800600.2538100000000000", "19699800600.25381"),
        ])
    func spellings(text: String, sent: String) throws {
        let (found, outcome) = try price(text)
        #expect(found == sent)
        #expect(outcome == .encoded(price: try Numeric(text), volume: try Numeric("1")))
    }

    @Test(
        "A number that NUMERIC cannot hold is refused with its reason and never rounded",
        arguments: [
            ("0.0000000001", "trade_price has more than 9 decimals"),
            ("1.1234567891", "trade_price has more than 9 decimals"),
            ("100000000000000000000000000000", "trade_price has more than 29 integer digits"),
            ("NaN", "trade_price is not a number"), ("Infinity", "trade_price is not a number"),
            ("-Infinity", "trade_price is not a number"), (#"\N"#, "trade_price is null"),
            ("", "trade_price is not a number"),
        ])
    func refusals(text: String, reason: String) throws {
        let (json, outcome) = encode("2026-01-01 05:00:00+00\tBTC\t\(text)\t1\n")
        #expect(json.isEmpty)
        #expect(outcome == .rejected(reason: reason))
    }

    @Test("The volume is checked like the price")
    func volume() {
        #expect(
            encode("2026-01-01 05:00:00+00\tBTC\t1\t\\N\n").outcome == .rejected(reason: "trade_volume is null"))
    }

    @Test(
        "A code of any text survives COPY's escapes and becomes valid JSON",
        arguments: [
            ("BTC-ETH", "BTC-ETH"), ("비트코인", "비트코인"), (#"a\\b"#, #"a\b"#), (#"tab\there"#, "tab\there"),
            (#"line\nfeed"#, "line\nfeed"), (#"quo"te"#, #"quo"te"#), ("\u{1}", "\u{1}"),
            (#"\r\b\v\f"#, "\r\u{8}\u{B}\u{C}"),
            ("", ""),
        ])
    func codes(copyText: String, code: String) throws {
        let json = encode("2026-01-01 05:00:00+00\t\(copyText)\t1\t1\n").json
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect((object["json"] as? [String: Any])?["code"] as? String == code)
    }

    @Test("A missing code, another zone, a wrong number of columns and a row too large are refused")
    func otherRefusals() {
        #expect(encode("2026-01-01 05:00:00+00\t\\N\t1\t1\n").outcome == .rejected(reason: "code is null"))
        #expect(
            encode("2026-01-01 05:00:00+09\tBTC\t1\t1\n").outcome
                == .rejected(reason: "time is not an instant in UTC"))
        #expect(encode("infinity\tBTC\t1\t1\n").outcome == .rejected(reason: "time is not an instant in UTC"))
        for (line, columns) in [("", 1), ("\n", 1), ("2026-01-01 05:00:00+00\tBTC\n", 2), ("\t\t\t\t", 5)] {
            #expect(encode(line).outcome == .rejected(reason: "\(columns) columns instead of 4"))
        }
        let large = String(repeating: "A", count: 2_000)
        #expect(
            encode("2026-01-01 05:00:00+00\t\(large)\t1\t1\n").outcome
                == .rejected(reason: "the row needs more than 1000 bytes"))
    }

    @Test("A refused row leaves the rows before it as they are")
    func refusedRowLeavesBody() {
        let encoder = RowEncoder(load: Self.load, rowBytesLimit: 1_000)
        var body = Array("before".utf8)
        _ = Array("2026-01-01 05:00:00+00\t\\N\t1\t1\n".utf8).withUnsafeBytes {
            encoder.append($0, ordinal: 0, to: &body)
        }
        #expect(body == Array("before".utf8))
    }
}
