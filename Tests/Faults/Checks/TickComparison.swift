import Market
import Postgres
import Runtime
import TestSupport

/// The rows of the table beside the ticks that were sent, one by one.
struct TickComparison: Sendable {
    private(set) var rowCount = 0
    /// Numbers of ticks without a row, of the first few.
    private(set) var lost = Examples()
    private(set) var doubled = Examples()
    /// Rows with another time, code, price or volume, or with a number that was never sent.
    private(set) var changed = Examples()

    struct Examples: Sendable {
        private(set) var count = 0
        private(set) var numbers: [Int] = []

        mutating func add(_ number: Int) {
            count += 1
            if numbers.count < 10 { numbers.append(number) }
        }

        var text: String { "\(count): \(numbers.map(String.init).joined(separator: ", "))\(count > 10 ? " …" : "")" }
    }

    var differences: [String] {
        [("lost", lost), ("doubled", doubled), ("changed", changed)].compactMap { name, examples in
            examples.count == 0 ? nil : "\(name) ticks, \(examples.text)"
        }
    }

    private static let rowsPerFetch = 20_000

    /// Reads all rows in the order of their numbers, some thousands at a time.
    ///
    /// - Parameter table: with the four columns of `trade_data`.
    static func run(
        _ session: Session, _ database: PostgresConfiguration, table: String = "trade_data"
    ) async throws -> TickComparison {
        try await DedicatedThread(name: "comparison").run {
            let connection = try PostgresConnection(database)
            try connection.execute(
                """
                BEGIN; DECLARE ticks CURSOR FOR
                SELECT (trade_volume % 1 * 100000000)::bigint, (extract(epoch FROM time) * 1000000)::bigint, code,
                    trade_price, trade_volume FROM \(table) ORDER BY 1
                """)
            var comparison = TickComparison()
            var sent = SentTicks(session)
            while true {
                let rows = try connection.query("FETCH \(Self.rowsPerFetch) FROM ticks")
                for row in 0..<rows.rowCount { comparison.compare(Row(rows, row), &sent) }
                guard rows.rowCount > 0 else { break }
            }
            while let tick = sent.next { comparison.lose(tick, &sent) }
            return comparison
        }
    }

    private mutating func compare(_ row: Row, _ sent: inout SentTicks) {
        rowCount += 1
        while let tick = sent.next, tick.number < row.number { lose(tick, &sent) }
        if sent.next?.number == row.number {
            if !row.equals(sent.next, sent.code) { changed.add(row.number) }
            sent.pass()
        } else if row.number == sent.passedNumber {
            doubled.add(row.number)
        } else {
            changed.add(row.number)
        }
    }

    private mutating func lose(_ tick: Trade, _ sent: inout SentTicks) {
        lost.add(tick.number)
        sent.pass()
    }
}

/// The ticks of a session in their order, with the code that a row has. Malformed frames are none.
private struct SentTicks {
    private(set) var next: Trade?
    /// Of the tick before; 0 at the beginning.
    private(set) var passedNumber = 0
    private var trades: SessionTrades
    private let codes: [String]

    init(_ session: Session) {
        trades = session.trades()
        codes = session.markets.map { $0.code.hasPrefix("KRW-") ? String($0.code.dropFirst(4)) : $0.code }
        next = nextTick()
    }

    var code: String { next.map { codes[$0.market] } ?? "" }

    mutating func pass() {
        passedNumber = next?.number ?? passedNumber
        next = nextTick()
    }

    private mutating func nextTick() -> Trade? {
        while let trade = trades.next() { if trade.malformation == nil { return trade } }
        return nil
    }
}

private struct Row {
    let number: Int
    /// Microseconds since 1970.
    private let timestamp: Int64
    private let code: String
    private let price: Numeric?
    private let volume: Numeric?

    init(_ rows: borrowing PostgresResult, _ row: Int) {
        number = Int(rows.integer(row, 0) ?? 0)
        timestamp = rows.integer(row, 1) ?? 0
        code = rows.text(row, 2) ?? ""
        price = rows.text(row, 3).flatMap { try? Numeric($0) }
        volume = rows.text(row, 4).flatMap { try? Numeric($0) }
    }

    func equals(_ tick: Trade?, _ code: String) -> Bool {
        guard let tick, let price, let volume else { return false }
        return timestamp == tick.timestamp * 1_000 && self.code == code && price == tick.price.numeric
            && volume == tick.volume.numeric
    }
}
