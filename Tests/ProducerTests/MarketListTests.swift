import Testing

@testable import Producer
@testable import WebSocket

@Suite("The exchange's list of markets")
struct MarketListTests {
    private func codes(_ status: Int, _ body: String) -> Result<[String], MarketList.Unusable> {
        MarketList.codes(in: .success(.init(status: status, body: Array(body.utf8))))
    }

    @Test("Its codes are taken, and what cannot be one is left out")
    func listed() {
        let body = #"[{"market":"KRW-BTC","english_name":"Bitcoin"},{"market":""},{"market":"USDT-BTC"}]"#
        #expect(codes(200, body) == .success(["KRW-BTC", "USDT-BTC"]))
    }

    @Test(
        "Of an answer that is none it is said why",
        arguments: [
            (200, "[]", "the answer is not a list of markets"), (200, "<html>", "the answer is not a list of markets"),
            (429, "[]", "status 429"),
        ])
    func unusable(_ status: Int, _ body: String, _ why: String) {
        #expect(codes(status, body) == .failure(.init(description: why)))
    }

    @Test("So it is when there was none")
    func failed() {
        let error = WebSocketError("no route")
        #expect(MarketList.codes(in: .failure(error)) == .failure(.init(description: "\(error)")))
    }
}
