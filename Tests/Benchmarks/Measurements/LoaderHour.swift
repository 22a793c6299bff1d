import TestSupport

/// A clock hour in the source that is closed, with rows enough to measure.
struct LoaderHour {
    /// As `loader --hour` is told it.
    let name: String
    let totals: SinkBook.Totals

    var rows: Int { totals.rows }

    /// The hour's rows, as `COPY` takes them.
    var selection: String {
        "SELECT time, code, trade_price, trade_volume FROM trade_data WHERE \(Self.condition(name))"
    }

    /// What the loader looks at is there before it: `rows` rows in an hour of the seeded session's own time.
    ///
    /// The first million comes through the services, as everything does; larger and smaller hours, on days of
    /// their own, are made of those rows.
    static func fill(_ pipeline: Pipeline, _ sizes: [Int]) async throws -> [LoaderHour] {
        var settings = SeededSettings(frameCount: min(sizes.max() ?? 0, 1_000_000))
        settings.start = firstHourMilliseconds
        settings.framesPerSecond = settings.frameCount / 3_600 + 1
        try await pipeline.createTables()
        _ = try await ProducerRun(.seeded(settings), pipeline)
        let consumer = try pipeline.services.consumer([:])
        try await pipeline.database.wait(
            for: "SELECT count(*) FROM trade_data", toBe: "\(settings.frameCount)", within: .seconds(300))
        try await consumer.end()
        var hours: [LoaderHour] = []
        for (day, size) in sizes.enumerated() {
            hours.append(try await make(pipeline, size, on: day + 2, from: settings.frameCount))
        }
        // The recording is past all of them.
        try await pipeline.database.execute("UPDATE kafka_offsets SET caught_up_at = now()")
        try await pipeline.database.execute("VACUUM (ANALYZE) trade_data")
        return hours
    }

    /// 2026-01-01T05:00:00Z.
    private static let firstHourMilliseconds: Int64 = 1_767_243_600_000

    private static func make(
        _ pipeline: Pipeline, _ size: Int, on day: Int, from source: Int
    ) async throws -> LoaderHour {
        let name = "2026-01-0\(day)T05"
        try await pipeline.database.execute(
            """
            INSERT INTO trade_data SELECT time + interval '\(day - 1) days', code, trade_price, trade_volume
            FROM generate_series(1, \((size + source - 1) / source)) AS copies,
                (SELECT * FROM trade_data WHERE \(condition("2026-01-01T05")) LIMIT \(min(size, source))) AS rows
            LIMIT \(size)
            """)
        let row = try await pipeline.database.rows(
            "SELECT count(*), sum(trade_price), sum(trade_volume) FROM trade_data WHERE \(condition(name))")[0]
        return LoaderHour(
            name: name,
            totals: SinkBook.Totals(rows: row[0].flatMap { Int($0) } ?? 0, price: row[1] ?? "0", volume: row[2] ?? "0"))
    }

    private static func condition(_ hour: String) -> String {
        let start = "timestamptz '\(hour):00:00Z'"
        return "time >= \(start) AND time < \(start) + interval '1 hour'"
    }
}
