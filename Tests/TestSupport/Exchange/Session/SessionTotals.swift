package import Market

/// The exact sums of some frames of a session: what must arrive at the other end.
package struct SessionTotals: Equatable, Sendable {
    package private(set) var frameCount = 0
    /// Frames that are no ticks; in no other figure than the one above.
    package private(set) var malformedCount = 0
    /// Of the frames whose price and volume both fit `NUMERIC`.
    package private(set) var priceSum = Numeric(units: 0)
    package private(set) var volumeSum = Numeric(units: 0)
    /// Frames with a price or volume of more than 9 decimals; not in the sums.
    package private(set) var tooManyDecimalsCount = 0
    /// The starts of the first and the last clock hour with a trade, milliseconds since 1970.
    package private(set) var firstHour: Int64?
    package private(set) var lastHour: Int64?

    package init() {}

    package var tickCount: Int { frameCount - malformedCount }

    package mutating func add(_ trade: Trade) {
        frameCount += 1
        if trade.malformation != nil {
            malformedCount += 1
            return
        }
        if let price = trade.price.numeric, let volume = trade.volume.numeric {
            priceSum = Numeric(units: priceSum.units + price.units)
            volumeSum = Numeric(units: volumeSum.units + volume.units)
        } else {
            tooManyDecimalsCount += 1
        }
        let hour = trade.timestamp - trade.timestamp % 3_600_000
        firstHour = min(firstHour ?? hour, hour)
        lastHour = max(lastHour ?? hour, hour)
    }

    package mutating func add(_ other: SessionTotals) {
        frameCount += other.frameCount
        malformedCount += other.malformedCount
        priceSum = Numeric(units: priceSum.units + other.priceSum.units)
        volumeSum = Numeric(units: volumeSum.units + other.volumeSum.units)
        tooManyDecimalsCount += other.tooManyDecimalsCount
        firstHour = [firstHour, other.firstHour].compactMap(\.self).min()
        lastHour = [lastHour, other.lastHour].compactMap(\.self).max()
    }
}

extension Session {
    /// The trades that its frames tell.
    package func trades() -> SessionTrades { SessionTrades(cursor: cursor()) }

    /// The sums over the whole session; walks it once.
    package func totals() -> SessionTotals {
        var totals = SessionTotals()
        var cursor = cursor()
        while let trade = cursor.next() { totals.add(trade) }
        return totals
    }
}

package struct SessionTrades: Sequence, IteratorProtocol {
    fileprivate var cursor: SessionCursor

    package mutating func next() -> Trade? { cursor.next() }
}
