/// One market's UTC day on the line of its own volume, as the exchange's running sum draws it.
///
/// `acc_trade_volume` starts at zero at 00:00 UTC and grows by the volume of each trade. So a tick covers a
/// piece of the line, from the sum before its trade up to the sum with it, and no two trades cover the same:
///
/// ```
/// 0 ───── tick 1 ───── tick 2 ─────          ───── tick 4 ─────▶  volume since 00:00 UTC
///                                    hole
/// ```
///
/// A piece that no tick covers is a hole: trades that were made and did not come. One that comes late fits
/// into a hole; one that fits nowhere has been told before. All amounts are ``Volume`` units.
struct MarketDay: Equatable {
    /// What a tick is among those that came before it.
    enum Arrival {
        /// It goes on where the last one ended, or is the day's first.
        case next
        /// It goes on further up: something was traded in between.
        case skip
        /// It fills a hole.
        case late
        /// Its trade has been told already.
        case repeated
    }

    /// The highest sum so far; nil before the first tick.
    private(set) var last: Int128?
    /// From the oldest to the newest. Seldom more than a few.
    private var holes: [Range<Int128>] = []

    /// Beyond this the oldest hole is forgotten: what is told of it then counts as told before.
    static let holeLimit = 256

    /// A day without ticks.
    init() {}

    /// Goes on with a day that was recorded up to `last`.
    ///
    /// Where its holes are is not known any more, so what is told of them counts as told before. Then a
    /// day can look less complete than it is, and never more.
    init(last: Int128) { self.last = last }

    /// - Parameters:
    ///   - volume: of the trade, zero or more.
    ///   - sum: the day's volume with it, not less than `volume`.
    mutating func take(volume: Int128, sum: Int128) -> Arrival {
        let start = sum - volume
        guard let last else {
            open(0..<start)
            self.last = sum
            return .next
        }
        if sum > last {
            self.last = sum
            guard start > last else { return .next }
            open(last..<start)
            return .skip
        }
        return fill(start..<sum) ? .late : .repeated
    }

    private mutating func open(_ hole: Range<Int128>) {
        guard !hole.isEmpty else { return }
        if holes.count == Self.holeLimit { holes.removeFirst() }
        holes.append(hole)
    }

    /// Takes `piece` out of the hole that it lies in; false when it lies in none.
    private mutating func fill(_ piece: Range<Int128>) -> Bool {
        let found = holes.lastIndex { $0.lowerBound <= piece.lowerBound && piece.upperBound <= $0.upperBound }
        guard let found else { return false }
        let hole = holes.remove(at: found)
        let rest = [hole.lowerBound..<piece.lowerBound, piece.upperBound..<hole.upperBound]
        holes.insert(contentsOf: rest.filter { !$0.isEmpty }, at: found)
        return true
    }
}
