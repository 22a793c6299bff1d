import Market
import TestSupport
import Testing

@testable import Consumer

@Suite("The view completeness", .timeLimit(.minutes(5)))
struct CompletenessViewTests {
    @Test("It tells what is missing in an hour from what is missing between two")
    func missing() async throws {
        let database = try await recorded([
            "'A', '2026-05-11 23:00Z', 1, 1, 0, 0, 0, 0, 0, 0, 1",
            "'A', '2026-05-12 00:00Z', 2, 10, 0, 0, 0, 0, 0, 0, 10",  // all there
            "'A', '2026-05-12 01:00Z', 3, 10, 1, 2, 1, 0, 0, 10, 22",  // 4 missing inside: 12 - (10 - 2)
            "'A', '2026-05-12 05:00Z', 1, 3, 0, 0, 1, 0, 0, 27, 30",  // 5 missing between 01:00 and here
            "'A', '2026-05-12 06:00Z', 1, 1, 0, 0, 0, 0, 0, 30, 31",
            "'A', '2026-05-13 02:00Z', 1, 1, 0, 0, 0, 0, 0, 6, 7",  // 6 missing since midnight
            "'B', '2026-05-12 03:00Z', 1, 1, 0, 0, 0, 0, 0, 6, 7",  // perhaps recorded from here on
            "'B', '2026-05-12 04:00Z', 1, 1, 0, 0, 0, 0, 0, 7, 8",
        ])
        #expect(
            try await answers(database) == [
                "A 11T23 1 0 0 - t", "A 12T00 10 0 0 0 t", "A 12T01 12 4 0 5 f", "A 12T05 3 0 5 0 -",
                "A 12T06 1 0 0 - t", "A 13T02 1 0 6 - -", "B 12T03 1 0 - 0 -", "B 12T04 1 0 0 - t",
            ])
    }

    @Test("Hours whose trades came mixed are weighed together")
    func mixed() async throws {
        let database = try await recorded([
            // The last trade of 00:00 came behind the first of 01:00, and nothing is missing.
            "'A', '2026-05-12 00:00Z', 2, 8, 0, 0, 0, 0, 0, 0, 10",
            "'A', '2026-05-12 01:00Z', 2, 7, 0, 0, 0, 0, 0, 5, 15",
            // The same with 3 missing, of which 1 must be in 01:00; and with 9, of which 4 must be in 00:00.
            "'B', '2026-05-12 00:00Z', 2, 8, 0, 0, 0, 0, 0, 0, 10",
            "'B', '2026-05-12 01:00Z', 2, 4, 0, 0, 1, 0, 0, 5, 15",
            "'C', '2026-05-12 00:00Z', 2, 1, 0, 0, 1, 0, 0, 0, 10",
            "'C', '2026-05-12 01:00Z', 2, 5, 0, 0, 1, 0, 0, 5, 15",
            // More is told than was traded, so some repeat was not seen as one.
            "'D', '2026-05-12 00:00Z', 2, 12, 0, 0, 0, 0, 0, 0, 10",
        ])
        #expect(
            try await answers(database) == [
                "A 12T00 10 0 0 0 t", "A 12T01 10 0 0 - t", "B 12T00 10 0 0 2 -", "B 12T01 10 1 2 - f",
                "C 12T00 10 4 0 5 f", "C 12T01 10 0 5 - -", "D 12T00 10 0 0 - -",
            ])
    }

    @Test("Ticks without a sum leave it open whether an hour is complete")
    func unsummed() async throws {
        let database = try await recorded([
            "'A', '2026-05-12 00:00Z', 1, 5, 0, 0, 0, 0, 0, 0, 5",
            "'A', '2026-05-12 01:00Z', 1, 5, 0, 0, 0, 0, 1, NULL, NULL",
            "'A', '2026-05-12 02:00Z', 2, 5, 0, 0, 0, 0, 1, 10, 15",
            "'A', '2026-05-12 03:00Z', 2, 5, 0, 0, 0, 0, 0, 15, 20",
            // Its volume could be the one that is missing.
            "'B', '2026-05-12 00:00Z', 2, 5, 0, 0, 0, 0, 1, 0, 5",
        ])
        #expect(
            try await answers(database) == [
                "A 12T00 5 0 0 5 -", "A 12T01 - - 5 5 -", "A 12T02 5 0 5 0 -", "A 12T03 5 0 0 - t",
                "B 12T00 5 0 0 - -",
            ])
    }

    @Test("Behind a day's last tick only the gaps and the progress can tell")
    func lastHour() async throws {
        let database = try await twoCompleteHours()
        try await database.probe.execute(
            """
            INSERT INTO gaps VALUES ('p', '2026-05-12 00:59:50Z', '2026-05-12 01:00:20Z', 'stall'),
                ('q', '2026-05-12 01:00:10Z', '2026-05-12 01:00:30.5Z', 'stall')
            """)
        #expect(
            try await answers(database, "gap_seconds::text") == [
                "A 12T00 5 0 0 0 t 10.000000", "A 12T01 5 0 0 - - 30.500000",
            ], "the sums prove the first hour in spite of the gap")
        try await database.probe.execute(
            "TRUNCATE gaps; UPDATE kafka_offsets SET recorded_until = '2026-05-12 02:00:04Z' WHERE partition = 1")
        #expect(try await answers(database) == ["A 12T00 5 0 0 0 t", "A 12T01 5 0 0 - -"])
        try await database.probe.execute("TRUNCATE kafka_offsets")
        #expect(try await answers(database) == ["A 12T00 5 0 0 0 t", "A 12T01 5 0 0 - -"])
    }

    /// A trade of the hour's last milliseconds is received in the next hour.
    @Test(
        "A gap that begins right behind the hour can have one of its trades",
        arguments: [
            ("2026-05-12 02:00:00.010Z", "-"), ("2026-05-12 02:00:04.999Z", "-"), ("2026-05-12 02:00:05Z", "t"),
        ])
    func gapBehind(_ start: String, _ complete: String) async throws {
        let database = try await twoCompleteHours()
        try await database.probe.execute("INSERT INTO gaps VALUES ('p', '\(start)', '2026-05-12 02:01Z', 'disconnect')")
        #expect(
            try await answers(database, "gap_seconds::text") == [
                "A 12T00 5 0 0 0 t 0", "A 12T01 5 0 0 - \(complete) 0",
            ])
    }

    @Test(
        "Behind a day's last tick nothing is proven until the producer says that all it received is in Kafka",
        arguments: [
            // It is dead, and the consumer has nothing left to read.
            "UPDATE kafka_offsets SET recorded_until = '2026-05-12 02:00:04Z', caught_up_at = '2026-05-12 15:00Z'",
            "UPDATE kafka_offsets SET recorded_until = NULL WHERE partition = 1",
            // What is there came from another program.
            "UPDATE kafka_offsets SET recorded_since = NULL",
            "UPDATE kafka_offsets SET recorded_since = '2026-05-12 01:00Z' WHERE partition = 1",
            "INSERT INTO kafka_offsets (topic, partition, next_offset) VALUES ('upbit_ticker', 2, 0)",
        ])
    func unheard(_ change: String) async throws {
        let database = try await twoCompleteHours()
        try await database.probe.execute(change)
        #expect(try await answers(database) == ["A 12T00 5 0 0 0 t", "A 12T01 5 0 0 - -"])
    }

    @Test("Of random trades it finds all that is missing, and calls complete only what is")
    func random() async throws {
        let database = try await recorded(dayBefore)
        let play = RandomPlay(seed: .random(in: 0...999_999), tradesPerMarket: 600)
        try await database.write(play.arrivals)
        let truth = play.missing()
        let rows = try await rows(database)
        #expect(rows.count > 100)
        for row in rows {
            let expected = truth[row.key] ?? 0
            #expect(row.missing <= expected, "\(play), \(row.key)")
            if row.complete == "t" { #expect(expected == 0, "\(play), \(row.key)") }
            if row.complete == "f" { #expect(expected > 0, "\(play), \(row.key)") }
            #expect(row.missingOfDay == missing(truth, ofDayOf: row.key), "\(play), \(row.key)")
        }
        #expect(Set(rows.map(\.complete)) == ["t", "f", nil])
    }

    @Test("When trades of two hours come mixed it still finds all that is missing, and accuses no complete day")
    func randomMixed() async throws {
        let database = try await recorded(dayBefore)
        let play = RandomPlay(seed: .random(in: 0...999_999), tradesPerMarket: 600, lateMinutes: 30)
        try await database.write(play.arrivals)
        let truth = play.missing()
        for row in try await rows(database) {
            #expect(row.missingOfDay >= missing(truth, ofDayOf: row.key), "\(play), \(row.key)")
        }
        let whole = RandomPlay(seed: .random(in: 0...999_999), tradesPerMarket: 600, lateMinutes: 30, drops: false)
        try await database.probe.execute("DELETE FROM market_hours WHERE hour >= '2026-05-12Z'")
        try await database.write(whole.arrivals)
        for row in try await rows(database) { #expect(row.complete == "t" && row.missingOfDay == 0, "\(whole)") }
    }

    @Test("Asking for one market and hour reads the rows of its day by the primary key")
    func plan() async throws {
        let database = try await CompletenessDatabase()
        try await database.probe.execute(
            """
            INSERT INTO market_hours
            SELECT 'M' || market, hour, 1, 1, 0, 0, 0, 0, 0, 0, 1
            FROM generate_series(1, 50) AS market,
                generate_series('2026-01-01Z'::timestamptz, '2026-02-01Z', '1 hour') AS hour;
            ANALYZE market_hours
            """)
        let plan = try await database.probe.rows(
            "EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM completeness WHERE code = 'M7' AND hour = '2026-01-12 13:00Z'")
        let text = plan.compactMap { $0[0] }.joined(separator: "\n")
        #expect(!text.contains("Seq Scan on market_hours"), "\(text)")
        #expect(text.contains("Index Cond: ((code = recorded.code) AND (hour >= "), "\(text)")
        #expect(text.contains("rows=24 "), "\(text)")
    }

    /// So that what is missing at the first day's beginning is not taken for the time before the recording.
    private let dayBefore = RandomPlay.codes.map { "'\($0)', '2026-05-11 00:00Z', 1, 1, 0, 0, 0, 0, 0, 0, 1" }

    private struct Row {
        let key: HourKey
        let missing: Int128
        let complete: String?
        /// Within and between the hours of the market's day.
        let missingOfDay: Int128
    }

    private func missing(_ truth: [HourKey: Int128], ofDayOf key: HourKey) -> Int128 {
        truth.filter { $0.key.code == key.code && $0.key.hour / 24 == key.hour / 24 }.values.reduce(0, +)
    }

    private func rows(_ database: CompletenessDatabase) async throws -> [Row] {
        try await database.probe.rows(
            """
            SELECT code, extract(epoch FROM hour)::bigint / 3600, missing_volume, complete,
                sum(missing_volume + coalesce(missing_before, 0)) OVER (PARTITION BY code, date_trunc('day', hour, 'UTC'))
            FROM completeness
            """
        ).map { row in
            Row(
                key: HourKey(code: row[0] ?? "", hour: Int(row[1] ?? "") ?? 0), missing: units(row[2] ?? ""),
                complete: row[3], missingOfDay: units(row[4] ?? ""))
        }
    }

    /// Two hours of a market behind whose end the recording is whole.
    private func twoCompleteHours() async throws -> CompletenessDatabase {
        let database = try await recorded(
            [
                "'A', '2026-05-12 00:00Z', 1, 5, 0, 0, 0, 0, 0, 0, 5",
                "'A', '2026-05-12 01:00Z', 1, 5, 0, 0, 0, 0, 0, 5, 10",
            ], pastEnd: "2026-05-12 02:00:05Z")
        #expect(try await answers(database) == ["A 12T00 5 0 0 0 t", "A 12T01 5 0 0 - t"])
        return database
    }

    /// A database with these hours; the recording is whole up to `end`.
    private func recorded(_ hours: [String], pastEnd end: String = "2026-06-01Z") async throws -> CompletenessDatabase {
        let database = try await CompletenessDatabase()
        for hour in hours { try await database.probe.execute("INSERT INTO market_hours VALUES (\(hour))") }
        try await database.probe.execute(
            """
            INSERT INTO kafka_offsets (topic, partition, next_offset, recorded_since, recorded_until)
            VALUES ('upbit_ticker', 0, 1, NULL, '\(end)'), ('upbit_ticker', 1, 1, '2026-01-01Z', '\(end)'),
                ('upbit_ticker.gaps', 0, 0, NULL, NULL)
            """)
        return database
    }

    /// "code, day and hour, traded, missing in, before, after, complete"; a hyphen is NULL.
    private func answers(_ database: CompletenessDatabase, _ extra: String = "NULL") async throws -> [String] {
        try await database.probe.rows(
            """
            SELECT concat_ws(' ', code, to_char(hour AT TIME ZONE 'UTC', 'DD"T"HH24'), coalesce(traded_volume::text, '-'),
                coalesce(missing_volume::text, '-'), coalesce(missing_before::text, '-'),
                coalesce(missing_after::text, '-'), coalesce(left(complete::text, 1), '-'), \(extra))
            FROM completeness ORDER BY code, hour
            """
        ).map { $0[0] ?? "" }
    }
}
