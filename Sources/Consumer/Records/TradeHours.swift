/// How many different hours the trades of a batch lie in.
///
/// Each may be a chunk that the transaction has to make and to lock. The server has room for some
/// thousand locks; a batch that needs more would fail, be read again, and fail for ever.
struct TradeHours {
    /// Hours since 1970. Few, and nearly always the one of the trade before.
    private var hours: [Int64] = []
    private var last = Int64.min

    /// A chunk is an hour or longer, and a new one takes eleven locks (measured, TimescaleDB 2.19).
    private static let limit = 64

    var isFull: Bool { hours.count >= Self.limit }

    mutating func add(_ milliseconds: Int64) {
        let hour = milliseconds / 3_600_000
        guard hour != last else { return }
        last = hour
        if !hours.contains(hour) { hours.append(hour) }
    }

    mutating func removeAll() {
        hours.removeAll(keepingCapacity: true)
        last = .min
    }
}
