/// A trade of a session: what a ticker frame is made of.
package struct Trade: Equatable, Sendable {
    /// The index of the market in the session's list.
    package let market: Int
    /// `trade_timestamp`, milliseconds since 1970.
    package let timestamp: Int64
    /// As spelled on the wire.
    package let priceText: String
    package let volumeText: String
    package let price: ExactDecimal
    package let volume: ExactDecimal
    package let isBid: Bool
    /// The frame before told this trade already: the exchange's sums do not move.
    package let isRepeat: Bool
    /// Its frame is no tick; the exchange's sums do not move.
    package internal(set) var malformation: Malformation?

    /// Of a numbered session: the frame's place in it, from 1; at most 99,999,999.
    package var number: Int { Int(volume.units / 10_000 % 100_000_000) }
}
