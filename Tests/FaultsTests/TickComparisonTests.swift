import Postgres
import TestSupport
import Testing

@testable import Faults

@Suite struct TickComparisonTests {
    private static let session: Session = {
        var settings = SeededSettings(seed: 4, frameCount: 50)
        settings.isNumbered = true
        return .seeded(settings)
    }()

    @Test("Rows that are the ticks, one for one and in any order, have no difference")
    func equal() async throws {
        let comparison = try await compare(Self.rows.shuffled())
        #expect(comparison.differences.isEmpty && comparison.rowCount == 50)
    }

    @Test("A lost, a doubled and a changed tick are each found, by their numbers, also at the ends")
    func differences() async throws {
        var rows = Self.rows
        rows[20].price += "1"
        rows[30].milliseconds += 1
        rows[31].code = "OTHER"
        rows.append(rows[10])
        rows.append(rows[49])
        rows.remove(at: 5)
        rows.remove(at: 0)
        let comparison = try await compare(rows)
        #expect(comparison.lost.numbers == [1, 6])
        #expect(comparison.doubled.numbers == [11, 50])
        #expect(comparison.changed.numbers == [21, 31, 32])
    }

    @Test("Rows of another table are compared to the microsecond, and malformed frames have none")
    func otherTable() async throws {
        var settings = SeededSettings(seed: 4, frameCount: 50)
        settings.isNumbered = true
        settings.malformedOneIn = 5
        let session = Session.seeded(settings)
        let configuration = try await Self.database()
        let database = DatabaseProbe(configuration)
        try await database.execute(
            """
            CREATE SCHEMA upbit; CREATE TABLE upbit.trade_data
                (time timestamptz, code text, trade_price numeric(38, 9), trade_volume numeric(38, 9))
            """)
        let rows = Self.rows(of: session)
        try await database.execute("INSERT INTO upbit.trade_data VALUES \(rows.map(\.values).joined(separator: ","))")
        let equal = try await TickComparison.run(session, configuration, table: "upbit.trade_data")
        #expect(equal.differences.isEmpty && equal.rowCount == session.totals().tickCount && equal.rowCount < 50)
        try await database.execute(
            "UPDATE upbit.trade_data SET time = time + interval '1 us' WHERE trade_volume = '\(rows[3].volume)'")
        #expect(try await TickComparison.run(session, configuration, table: "upbit.trade_data").changed.count == 1)
    }

    @Test("A row with a number that nobody sent is found, and an empty table has lost everything")
    func strangers() async throws {
        var stranger = Self.rows[0]
        stranger.volume = "7.00000051"
        #expect(try await compare(Self.rows + [stranger]).changed.numbers == [51])
        #expect(try await compare([]).lost.count == 50)
    }

    private struct Row {
        var milliseconds: Int64
        var code: String
        var price: String
        var volume: String

        var values: String { "(to_timestamp(\(milliseconds) / 1000.0), '\(code)', '\(price)', '\(volume)')" }
    }

    private static let rows = rows(of: session)

    private static func rows(of session: Session) -> [Row] {
        session.trades().filter { $0.malformation == nil }.map { row(of: $0) }
    }

    private static func row(of trade: Trade) -> Row {
        Row(
            milliseconds: trade.timestamp, code: String(session.markets[trade.market].code.dropFirst(4)),
            price: trade.price.numeric.map { "\($0)" } ?? "", volume: trade.volume.numeric.map { "\($0)" } ?? "")
    }

    private static func database() async throws -> PostgresConfiguration {
        let name = "ticks_\(UInt64.random(in: .min ... .max))"
        return try await TimescaleServer.shared.createDatabase(name, extension: false)
    }

    /// The comparison with a table of these rows.
    private func compare(_ rows: [Row]) async throws -> TickComparison {
        let configuration = try await Self.database()
        let database = DatabaseProbe(configuration)
        try await database.execute(
            "CREATE TABLE trade_data (time timestamptz, code text, trade_price numeric, trade_volume numeric)")
        if !rows.isEmpty {
            try await database.execute("INSERT INTO trade_data VALUES \(rows.map(\.values).joined(separator: ","))")
        }
        return try await TickComparison.run(Self.session, configuration)
    }
}
