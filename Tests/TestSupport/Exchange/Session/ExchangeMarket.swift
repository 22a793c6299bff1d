/// A market of the exchange, as `GET /v1/market/all` tells it.
package struct ExchangeMarket: Equatable, Sendable {
    /// `KRW-BTC`: the currency that is paid, then the coin.
    package let code: String
    package let koreanName: String
    package let englishName: String
    /// Where a seeded session's price starts, in trillionths.
    let price: ExactDecimal

    package init(code: String, koreanName: String? = nil, englishName: String? = nil, price: ExactDecimal? = nil) {
        let coin = String(code.split(separator: "-").last ?? "")
        let known = Self.coins.first { $0.coin == coin }
        self.code = code
        self.koreanName = koreanName ?? known?.korean ?? "코인 \(coin)"
        self.englishName = englishName ?? known?.english ?? "Coin \(coin)"
        self.price = price ?? ExactDecimal(known?.won ?? "100") ?? ExactDecimal(units: 1)
    }

    /// The first markets of a kind: real coins first, then numbered ones (`KRW-T014`).
    ///
    /// - Parameter divisor: what one unit of the paying currency costs in won.
    static func list(_ currency: String, count: Int, divisor: Int128) -> [ExchangeMarket] {
        (0..<max(count, 0)).map { index in
            let coin = index < coins.count ? coins[index].coin : "T\(index)"
            let won = ExactDecimal(index < coins.count ? coins[index].won : prices[index % prices.count])
            // Whole hundred-millionths, the smallest step of the exchange, and at least one of them.
            let steps = max((won?.units ?? 0) / divisor / 10_000, 1)
            return ExchangeMarket(code: "\(currency)-\(coin)", price: ExactDecimal(units: steps * 10_000))
        }
    }

    private static let coins: [(coin: String, korean: String, english: String, won: String)] = [
        ("BTC", "비트코인", "Bitcoin", "122720000"),
        ("ETH", "이더리움", "Ethereum", "3427000"),
        ("XRP", "리플", "XRP", "3120"),
        ("SOL", "솔라나", "Solana", "204500"),
        ("DOGE", "도지코인", "Dogecoin", "231.5"),
        ("ADA", "에이다", "Cardano", "914"),
        ("SHIB", "시바이누", "Shiba Inu", "0.01687"),
        ("PEPE", "페페", "Pepe", "0.0152"),
        ("BTT", "비트토렌트", "BitTorrent", "0.000485"),
        ("WAXP", "왁스", "WAX", "10.5"),
        ("CARV", "카브", "CARV", "101"),
        ("LSK", "리스크", "Lisk", "204"),
        ("0G", "제로지", "0G", "832"),
    ]

    private static let prices = ["1250", "0.25", "87.4", "15330", "431000", "6.02", "5150"]
}
