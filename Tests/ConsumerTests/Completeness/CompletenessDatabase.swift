import Foundation
import Logging
import Market
import Postgres
import Runtime
import TestSupport

@testable import Consumer

/// A database with the consumer's tables, for tests that need no consumer.
struct CompletenessDatabase {
    let probe: DatabaseProbe
    private let thread = DedicatedThread(name: "completeness")

    /// - Parameter isHypertable: false is a `trade_data` that is a plain table, in a database without TimescaleDB.
    init(isHypertable: Bool = true) async throws {
        let name = "completeness_\(UUID().uuidString.lowercased().prefix(8))"
        probe = DatabaseProbe(try await TimescaleServer.shared.createDatabase(name, extension: false))
        if !isHypertable {
            try await probe.execute(
                "CREATE TABLE trade_data (time timestamptz NOT NULL, code text NOT NULL, trade_price numeric, trade_volume numeric)"
            )
        }
        try await createSchema()
    }

    /// What a consumer does when it connects.
    func createSchema() async throws {
        try await connected { database in
            try Schema.create(
                in: database, chunkInterval: "1 day", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
    }

    /// What a consumer does when it connects for the first time.
    func createExtras(
        _ policies: AgePolicies = AgePolicies(), as user: String? = nil,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) async throws {
        var configuration = probe.configuration
        if let user { configuration.user = user }
        try await thread.run { [configuration] in
            try Schema.createExtras(in: PostgresConnection(configuration), policies: policies, logger: logger)
        }
    }

    /// Merges the ticks as one batch of a consumer that has just started.
    func write(_ ticks: [PlayedTrade]) async throws {
        var hours = MarketHours()
        for tick in ticks { hours.add(tick.code, at: tick.milliseconds, tick.volumeText, sum: tick.sumText) }
        try await write(hours)
    }

    func write(_ hours: MarketHours) async throws {
        try await connected { database in
            var hours = hours
            try hours.write(to: database)
        }
    }

    func connected<Result: Sendable>(
        _ body: @escaping @Sendable (borrowing PostgresConnection) throws -> Result
    ) async throws -> Result {
        try await thread.run { [probe] in try body(PostgresConnection(probe.configuration)) }
    }

    /// The table `market_hours`.
    func table() async throws -> [[String?]] {
        try await probe.rows(
            """
            SELECT code, hour, ticks, trim_scale(volume), repeats, trim_scale(repeated_volume), skips, late, unsummed,
                trim_scale(sum_low), trim_scale(sum_high)
            FROM market_hours ORDER BY code, hour
            """)
    }
}
