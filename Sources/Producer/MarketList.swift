import FoundationEssentials
import Market
import WebSocket

/// The exchange's answer to "which markets are there".
///
/// ```
/// [{"market":"KRW-BTC","korean_name":"비트코인","english_name":"Bitcoin"}, …]
/// ```
///
/// Source: Upbit's REST reference, `GET /v1/market/all`.
struct MarketList: Decodable {
    let market: String

    /// Why an answer has no markets.
    struct Unusable: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// The codes that the exchange listed.
    static func codes(in result: Result<HTTPRequest.Response, WebSocketError>) -> Result<[String], Unusable> {
        switch result {
        case .success(let response) where response.status == 200:
            guard let listed = parse(response.body) else {
                return .failure(Unusable(description: "the answer is not a list of markets"))
            }
            return .success(listed)
        case .success(let response): return .failure(Unusable(description: "status \(response.status)"))
        case .failure(let error): return .failure(Unusable(description: "\(error)"))
        }
    }

    /// The codes in the answer; nil when it is something else.
    static func parse(_ body: [UInt8]) -> [String]? {
        guard let list = try? JSONDecoder().decode([MarketList].self, from: Data(body)), !list.isEmpty else {
            return nil
        }
        return list.map(\.market).filter { code in Array(code.utf8).withUnsafeBytes { MarketCode.isValid($0) } }
    }
}
