import TestSupport
import Testing

@Suite("The function is_clean", .timeLimit(.minutes(5)))
struct CleanSpanTests {
    @Test("A span is clean when it was recorded from before its start to past its end, without a gap")
    func clean() async throws {
        let database = try await CompletenessDatabase()
        let span = "'2026-05-12 01:00Z', '2026-05-12 02:00Z'"
        #expect(try await isClean(database, span) == nil, "nothing was recorded")
        try await database.probe.execute(
            """
            INSERT INTO kafka_offsets (topic, partition, next_offset, caught_up_at, recorded_since, recorded_until)
            VALUES ('t', 0, 1, '2026-05-12 15:00Z', '2026-05-12 00:40Z', '2026-05-12 02:00:04Z'),
                ('t', 1, 1, NULL, '2026-05-12 00:30Z', '2026-05-12 02:00:05Z'), ('t.gaps', 0, 0, NULL, NULL, NULL)
            """)
        #expect(try await isClean(database, span) == nil, "the producer may be away since before the span's end")
        try await database.probe.execute(
            "UPDATE kafka_offsets SET recorded_until = '2026-05-12 02:00:05Z' WHERE topic = 't'")
        #expect(try await isClean(database, span) == "t")
        #expect(try await isClean(database, "'2026-05-12 00:30:05Z', '2026-05-12 02:00Z'") == "t")
        #expect(try await isClean(database, "'2026-05-12 00:30:04Z', '2026-05-12 02:00Z'") == nil, "recorded later")
        try await database.probe.execute(
            "INSERT INTO gaps VALUES ('p', '2026-05-12 01:59:59Z', '2026-05-12 02:00:00.5Z', 'stall')")
        #expect(try await isClean(database, span) == "f")
        #expect(try await isClean(database, "'2026-05-12 01:00Z', '2026-05-12 01:59:54Z'") == "t")
    }

    @Test("What was in the table before a producer was heard tells nothing: nobody knows what is missing until then")
    func foreignRows() async throws {
        let database = try await CompletenessDatabase()
        try await database.probe.execute(
            """
            INSERT INTO trade_data VALUES ('2025-01-01 00:30Z', 'BTC', 1, 1);
            INSERT INTO kafka_offsets (topic, partition, next_offset, recorded_until)
            VALUES ('t', 0, 1, '2026-05-12 03:00Z'), ('t', 1, 1, '2026-05-12 03:00Z')
            """)
        let span = "'2026-05-12 01:00Z', '2026-05-12 02:00Z'"
        #expect(try await isClean(database, span) == nil, "no record of a producer's was seen yet")
        try await database.probe.execute(
            "UPDATE kafka_offsets SET recorded_since = '2026-05-12 00:59:55Z' WHERE partition = 1")
        #expect(try await isClean(database, span) == "t")
        #expect(try await isClean(database, "'2026-05-12 00:59Z', '2026-05-12 02:00Z'") == nil)
    }

    /// Trades have the exchange's times, gaps and progress those at which a producer received.
    @Test("A trade on its way when a gap begins, or told late, is taken for one of the gap's")
    func nearGap() async throws {
        let database = try await CompletenessDatabase()
        try await recording(database, until: "2026-05-12 03:00Z")
        let span = "'2026-05-12 01:00Z', '2026-05-12 02:00Z'"
        #expect(try await isClean(database, span) == "t")
        for gap in [
            "'2026-05-12 02:00:00.010Z', '2026-05-12 02:00:01Z'", "'2026-05-12 00:59Z', '2026-05-12 00:59:59.9Z'",
        ] {
            try await database.probe.execute("TRUNCATE gaps; INSERT INTO gaps VALUES ('p', \(gap), 'disconnect')")
            #expect(try await isClean(database, span) == "f", "\(gap)")
        }
        for gap in ["'2026-05-12 02:00:05Z', '2026-05-12 02:00:06Z'", "'2026-05-12 00:59Z', '2026-05-12 00:59:55Z'"] {
            try await database.probe.execute("TRUNCATE gaps; INSERT INTO gaps VALUES ('p', \(gap), 'disconnect')")
            #expect(try await isClean(database, span) == "t", "\(gap)")
        }
    }

    /// Of a topic `t`, by a producer that began at 00:00.
    private func recording(_ database: CompletenessDatabase, until end: String) async throws {
        try await database.probe.execute(
            """
            INSERT INTO kafka_offsets (topic, partition, next_offset, recorded_since, recorded_until)
            VALUES ('t', 0, 1, '2026-05-12Z', '\(end)'), ('t', 1, 1, NULL, '\(end)'), ('t.gaps', 0, 0, NULL, NULL)
            """)
    }

    @Test(
        "While a partition of the ticks lags behind, nobody knows",
        arguments: [
            "UPDATE kafka_offsets SET recorded_until = '2026-05-12 02:00:04Z' WHERE partition = 0 AND topic = 't'",
            "UPDATE kafka_offsets SET recorded_until = NULL WHERE partition = 1",
            "INSERT INTO kafka_offsets (topic, partition, next_offset) VALUES ('t', 2, 0)",
            "TRUNCATE kafka_offsets",
        ])
    func behind(_ lag: String) async throws {
        let database = try await CompletenessDatabase()
        try await database.probe.execute(
            """
            INSERT INTO kafka_offsets (topic, partition, next_offset, recorded_since, recorded_until)
            VALUES ('t', 0, 1, '2026-05-12Z', '2026-05-12 02:00:05Z'), ('t', 1, 1, NULL, '2026-05-12 03:00Z'),
                ('t.gaps', 0, 0, NULL, NULL), ('abandoned', 0, 7, NULL, NULL)
            """)
        let span = "'2026-05-12 01:00Z', '2026-05-12 02:00Z', 't'"
        #expect(try await isClean(database, span) == "t")
        try await database.probe.execute(lag)
        #expect(try await isClean(database, span) == nil)
    }

    @Test("Without a topic's name every topic counts")
    func everyTopic() async throws {
        let database = try await CompletenessDatabase()
        try await database.probe.execute(
            """
            INSERT INTO kafka_offsets (topic, partition, next_offset, recorded_since, recorded_until)
            VALUES ('t', 0, 1, '2026-05-12Z', '2026-05-12 02:00:05Z'), ('t.gaps', 0, 1, NULL, NULL),
                ('renamed', 0, 1, NULL, NULL)
            """)
        let span = "'2026-05-12 01:00Z', '2026-05-12 02:00Z'"
        #expect(try await isClean(database, span) == nil)
        #expect(try await isClean(database, "\(span), 't'") == "t")
        try await database.probe.execute("DELETE FROM kafka_offsets WHERE topic = 'renamed'")
        #expect(try await isClean(database, span) == "t")
    }

    private func isClean(_ database: CompletenessDatabase, _ span: String) async throws -> String? {
        try await database.probe.rows("SELECT is_clean(\(span))")[0][0]
    }
}
