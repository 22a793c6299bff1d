/// An hour in the source: what `NUMERIC` can hold, and how many rows it cannot.
struct SourceTotals: Equatable, Sendable {
    var fitting = LoadTotals()
    var unfitRows = 0

    var rows: Int { fitting.rows + unfitRows }

    /// True when `other` has as many rows of each kind, and the same sums where both have one.
    func agrees(with other: SourceTotals) -> Bool {
        unfitRows == other.unfitRows && fitting.agrees(with: other.fitting)
    }

    /// The rows from `$1` up to `$2` in one pass, of which each is judged once: a line for those that fit and one
    /// for the others, where there are such. (`FILTER` would judge a row once for each column.)
    static let statement = """
        SELECT fits, count(*), coalesce(sum(trade_price), 0), coalesce(sum(trade_volume), 0)
        FROM (
            SELECT trade_price, trade_volume, \(fits(price: "trade_price", volume: "trade_volume")) AS fits
            FROM (
                SELECT code, \(exact("trade_price")) AS trade_price, \(exact("trade_volume")) AS trade_volume
                FROM trade_data WHERE time >= $1::timestamptz AND time < $2::timestamptz) AS exact) AS trades
        GROUP BY fits
        """

    /// SQL that is a column's value with the digits that are loaded. Somebody else's `double precision` is
    /// loaded as its text; a cast would round it to 15 digits. A `numeric` is not turned into text: that is slow.
    private static func exact(_ column: String) -> String {
        """
        CASE WHEN pg_typeof(\(column)) = 'numeric'::regtype THEN \(column)::numeric ELSE \(column)::text::numeric END
        """
    }

    /// SQL that is true for a row that `NUMERIC` holds as it is. NULL, NaN and infinity are neither below
    /// 10^29 nor equal to themselves rounded.
    static func fits(price: String, volume: String) -> String {
        """
        (code IS NOT NULL
            AND coalesce(abs(\(price)) < 1e29 AND \(price) = round(\(price), 9), false)
            AND coalesce(abs(\(volume)) < 1e29 AND \(volume) = round(\(volume), 9), false))
        """
    }
}
