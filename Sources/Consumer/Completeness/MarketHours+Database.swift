import Market
import Postgres

extension MarketHours {
    /// Asks the database for the days that are new here, all at once, and goes on with them.
    private mutating func resume(from database: borrowing PostgresConnection) throws(PostgresError) {
        let days = unknownDays
        guard !days.isEmpty else { return }
        let answer = try database.query(
            """
            SELECT asked.number, max(hours.sum_high)
            FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS asked (code, day, number)
            JOIN market_hours AS hours ON hours.code = asked.code
                AND hours.hour >= to_timestamp(asked.day * 86400)
                AND hours.hour < to_timestamp(asked.day * 86400 + 86400)
            GROUP BY asked.number
            """,
            [
                "{\(days.map { #""\#(String(decoding: $0.code, as: UTF8.self))""# }.joined(separator: ","))}",
                "{\(days.map { "\($0.day)" }.joined(separator: ","))}",
            ])
        var known = [MarketDay](repeating: MarketDay(), count: days.count)
        for row in 0..<answer.rowCount {
            guard let number = answer.integer(row, 0), let sum = answer.text(row, 1),
                let last = withBytes(of: sum, Volume.units)
            else { continue }
            known[Int(number) - 1] = MarketDay(last: last)
        }
        resume(known)
    }

    /// Merges the figures into `market_hours`; belongs into the transaction of the rows, behind the check
    /// that nobody else wrote these markets meanwhile.
    ///
    /// Two consumers that write the same hours take their rows' locks in the same order, so that neither
    /// waits for the other in a circle.
    mutating func write(to database: borrowing PostgresConnection) throws(PostgresError) {
        try resume(from: database)
        var lines = MarketHourLines()
        forEachLine { lines.append(code: $0, hour: $1, $2, volume: $3) }
        guard !lines.isEmpty else { return }
        _ = try database.queryPrepared(
            """
            INSERT INTO market_hours AS known
                (code, hour, ticks, volume, repeats, repeated_volume, skips, late, unsummed, sum_low, sum_high)
            SELECT code, to_timestamp(hour * 3600), sum(ticks), sum(volume), sum(repeats), sum(repeated_volume),
                sum(skips), sum(late), sum(unsummed), min(sum_low), max(sum_high)
            FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::numeric[], $5::bigint[], $6::numeric[],
                    $7::bigint[], $8::bigint[], $9::bigint[], $10::numeric[], $11::numeric[])
                AS heard (code, hour, ticks, volume, repeats, repeated_volume, skips, late, unsummed, sum_low, sum_high)
            GROUP BY code, hour
            ORDER BY code, hour
            ON CONFLICT (code, hour) DO UPDATE SET
                ticks = known.ticks + excluded.ticks,
                volume = known.volume + excluded.volume,
                repeats = known.repeats + excluded.repeats,
                repeated_volume = known.repeated_volume + excluded.repeated_volume,
                skips = known.skips + excluded.skips,
                late = known.late + excluded.late,
                unsummed = known.unsummed + excluded.unsummed,
                sum_low = least(known.sum_low, excluded.sum_low),
                sum_high = greatest(known.sum_high, excluded.sum_high)
            """, lines.arrays)
    }
}

private func withBytes<Result>(of text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var text = text
    return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
}
