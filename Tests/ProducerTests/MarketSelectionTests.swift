import Testing

@testable import Producer

@Suite("The choice of markets")
struct MarketSelectionTests {
    private let listed = ["KRW-BTC", "BTC-ETH", "KRW-ETH", "USDT-BTC", "KRW-1INCH"]

    @Test(
        "Codes and patterns choose from the list, in its order",
        arguments: [
            ("KRW-*", ["KRW-BTC", "KRW-ETH", "KRW-1INCH"]),
            ("*", ["KRW-BTC", "BTC-ETH", "KRW-ETH", "USDT-BTC", "KRW-1INCH"]),
            ("*-BTC", ["KRW-BTC", "USDT-BTC"]), ("krw-eth, BTC-*", ["BTC-ETH", "KRW-ETH"]), ("KRW-XRP", []),
            ("K*-*T*", ["KRW-BTC", "KRW-ETH"]),
        ])
    func choose(_ text: String, _ expected: [String]) throws {
        #expect(try #require(MarketSelection(text)).choose(from: listed) == expected)
    }

    @Test(
        "What cannot be a code or pattern is refused",
        arguments: ["", ",", "BTC", "KRW-BTC;KRW-ETH", "KRW_BTC", "KRW-\""])
    func refused(_ text: String) {
        #expect(MarketSelection(text) == nil)
    }

    @Test("The exchange's list is read, and anything else is not a list")
    func list() {
        let body = #"[{"market":"KRW-BTC","korean_name":"비트코인","english_name":"Bitcoin"},{"market":"x\"y"}]"#
        #expect(MarketList.parse(Array(body.utf8)) == ["KRW-BTC"])
        for other in ["", "[]", "{}", "<html>", #"[{"name":1}]"#, #"{"error":{"name":429,"message":"x"}}"#] {
            #expect(MarketList.parse(Array(other.utf8)) == nil)
        }
    }

    @Test("The subscription asks for ticker frames in real time, and no ticket can break out of it")
    func subscription() {
        #expect(
            Subscription.text(ticket: "a\"\\\nb", markets: ["KRW-BTC", "BTC-ETH"])
                == #"[{"ticket":"ab"},{"type":"ticker","codes":["KRW-BTC","BTC-ETH"],"is_only_realtime":true},{"format":"DEFAULT"}]"#
        )
    }
}
