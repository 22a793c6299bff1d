import Logging
import Postgres

/// `candles_1m`: one row a market and minute in which it traded, worked out from `trade_data`.
///
/// A continuous aggregate where TimescaleDB has them, so that a year of candles costs nothing to ask for; a plain
/// view of the same columns otherwise. Whatever has the name already stays as it is.
enum Candles {
    /// The first and the last trade go by time alone: of trades in the same millisecond any one can be it.
    private static func query(minute: String, open: String, close: String) -> String {
        """
        SELECT \(minute) AS time, code, \(open) AS open, max(trade_price) AS high, min(trade_price) AS low,
            \(close) AS close, sum(trade_volume) AS volume, count(*) AS ticks
        FROM trade_data
        GROUP BY \(minute), code
        """
    }

    /// Of this one TimescaleDB knows, in a plain view too, which rows of the table a span of `time` needs.
    private static let hypertableQuery = query(
        minute: "time_bucket('1 minute', time)", open: "first(trade_price, time)", close: "last(trade_price, time)")

    private static let plainQuery = query(
        minute: "date_trunc('minute', time, 'UTC')", open: "(array_agg(trade_price ORDER BY time))[1]",
        close: "(array_agg(trade_price ORDER BY time DESC))[1]")

    private static let comment =
        "COMMENT ON VIEW candles_1m IS 'One row a market and minute with trades: prices, volume and number of ticks of trade_data. time: start of the minute.'"

    /// The minute at hand, and what came since the last refresh, are worked out when somebody asks. Each refresh
    /// makes up for all that has come late, however late.
    private static let continuousAggregate = """
        CREATE MATERIALIZED VIEW candles_1m
        WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
        \(hypertableQuery)
        WITH NO DATA;
        \(addRefreshPolicy(from: nil))
        """

    /// - Parameter start: how far a refresh looks back; a PostgreSQL interval expression, nil is to the beginning.
    private static func addRefreshPolicy(from start: String?) -> String {
        """
        SELECT add_continuous_aggregate_policy('candles_1m', start_offset => \(start ?? "NULL"),
            end_offset => interval '1 minute', schedule_interval => interval '5 minutes')
        """
    }

    /// Lets refreshes keep away from ticks that are dropped after `retention`: they would take the candles along.
    static func keepCandles(longerThan retention: String) -> String {
        """
        SELECT remove_continuous_aggregate_policy('candles_1m', if_exists => true);
        \(addRefreshPolicy(from: "interval '\(retention)' - interval '1 hour'"))
        """
    }

    static let isContinuousAggregate = """
        SELECT 1 FROM timescaledb_information.continuous_aggregates
        WHERE to_regclass(format('%I.%I', view_schema, view_name)) = to_regclass('candles_1m')
        """

    /// - Parameter isHypertable: whether `trade_data` is one.
    static func createIfMissing(
        in database: borrowing PostgresConnection, isHypertable: Bool, logger: Logger
    ) throws(PostgresError) {
        guard try database.lacksRelation("candles_1m") else { return }
        guard isHypertable else {
            return try createView(of: plainQuery, in: database, logger: logger)
        }
        guard let refusal = try database.refusal(of: continuousAggregate) else {
            // To PostgreSQL it is a view like any other.
            _ = try database.refusal(of: comment)
            return
        }
        guard refusal.sqlState == SQLState.featureNotSupported else { return warn(refusal, logger) }
        logger.info("this edition of TimescaleDB has no continuous aggregates: candles_1m is a plain view")
        try createView(of: hypertableQuery, in: database, logger: logger)
    }

    private static func createView(
        of query: String, in database: borrowing PostgresConnection, logger: Logger
    ) throws(PostgresError) {
        let refusal = try database.refusal(of: "CREATE VIEW candles_1m AS \(query);\n\(comment)")
        if let refusal { warn(refusal, logger) }
    }

    private static func warn(_ refusal: PostgresError, _ logger: Logger) {
        logger.warning(
            "there is no view candles_1m: start a consumer once as the owner of trade_data",
            metadata: ["database.error": "\(refusal)"])
    }
}
