/// What the exchange plays: ticker frames in their order, made one at a time.
///
/// Every walk over a session gives the same bytes, so a test can ask for the exact expectation before,
/// after or while the server plays it.
package struct Session: Sendable {
    package let markets: [ExchangeMarket]
    package let frameCount: Int
    private let source: Source

    private enum Source: Sendable {
        case seeded(SeededSettings)
        case recording(Recording)
    }

    /// A session from a seed.
    package static func seeded(_ settings: SeededSettings) -> Session {
        let markets = settings.markets
        return Session(
            markets: markets, frameCount: markets.isEmpty ? 0 : settings.frameCount, source: .seeded(settings))
    }

    package static func seeded(_ seed: UInt64 = 1, frameCount: Int) -> Session {
        seeded(SeededSettings(seed: seed, frameCount: frameCount))
    }

    /// A session from a file of recorded trades, see ``Recording``.
    package static func recording(path: String) throws -> Session {
        let recording = try Recording(path: path)
        return Session(
            markets: recording.markets, frameCount: recording.trades.count, source: .recording(recording))
    }

    /// The frames with what a test wants to know of them. The server itself walks a cursor.
    package func frames() -> SessionFrames { SessionFrames(session: self) }

    /// The time of the first trade, milliseconds since 1970.
    var start: Int64 {
        switch source {
        case .seeded(let settings): settings.start
        case .recording(let recording): recording.trades.first?.timestamp ?? 0
        }
    }

    func cursor() -> SessionCursor {
        switch source {
        case .seeded(let settings): .seeded(SeededTrades(settings, markets: markets))
        case .recording(let recording): .recorded(recording.trades[...])
        }
    }
}

/// A place in a session.
enum SessionCursor: IteratorProtocol, Sendable {
    case seeded(SeededTrades)
    case recorded(ArraySlice<Trade>)

    mutating func next() -> Trade? {
        switch self {
        case .seeded(var trades):
            // Emptied first, so that the generator's arrays are not copied for each trade.
            self = .recorded([])
            defer { self = .seeded(trades) }
            return trades.next()
        case .recorded(var trades):
            self = .recorded([])
            defer { self = .recorded(trades) }
            return trades.popFirst()
        }
    }
}

/// One ticker frame of a session.
package struct SessionFrame: Equatable, Sendable {
    package let code: String
    package let bytes: [UInt8]
    package let trade: Trade
}

package struct SessionFrames: Sequence, IteratorProtocol {
    private let markets: [ExchangeMarket]
    private var cursor: SessionCursor
    private var encoder: TickerEncoder

    init(session: Session) {
        markets = session.markets
        cursor = session.cursor()
        encoder = TickerEncoder(markets: session.markets, start: session.start)
    }

    package mutating func next() -> SessionFrame? {
        guard let trade = cursor.next() else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1_024)
        encoder.encode(trade, into: &bytes)
        return SessionFrame(code: markets[trade.market].code, bytes: bytes, trade: trade)
    }
}
