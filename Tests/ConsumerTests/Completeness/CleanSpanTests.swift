import TestSupport
import Testing

@Suite("The function is_clean", .timeLimit(.minutes(1)))
struct CleanSpanTests {
    @Test("A span is clean when it was recorded from before its start to past its end, without a gap")
    func clean() async throws {
        let database = try await CompletenessDatabase()
        let span = "'2026-05-12 01:00Z', '2026-05-12 02:00Z'"
        #expect(try await isClean(database, span) == nil, "nothing was recorded")
        try await database.probe.execute(
            """
            INSERT INTO trade_data VALUES ('2026-05-12 00:30Z', 'BTC', 1, 1);
            INSERT INTO kafka_offsets (topic, partition, next_offset, last_event_time, caught_up_at)
            VALUES ('t', 0, 1, '2026-05-12 02:00:01Z', NULL), ('t', 1, 1, NULL, '2026-05-12 02:00:00Z'),
                ('t.gaps', 0, 0, NULL, '2026-05-12 02:00:20Z')
            """)
        #expect(try await isClean(database, span) == nil, "the producer may be away since before the span's end")
        try await database.probe.execute("INSERT INTO trade_data VALUES ('2026-05-12 02:00:01Z', 'BTC', 1, 1)")
        #expect(try await isClean(database, span) == "t")
        #expect(try await isClean(database, "'2026-05-12 00:00Z', '2026-05-12 02:00Z'") == nil, "recorded later")
        try await database.probe.execute(
            "INSERT INTO gaps VALUES ('p', '2026-05-12 01:59:59Z', '2026-05-12 02:00:00.5Z', 'stall')")
        #expect(try await isClean(database, span) == "f")
        #expect(try await isClean(database, "'2026-05-12 01:00Z', '2026-05-12 01:59:59Z'") == "t")
    }

    @Test(
        "While a partition of the ticks or of the gaps lags behind, nobody knows",
        arguments: [
            "UPDATE kafka_offsets SET last_event_time = '2026-05-12 01:59:59Z' WHERE partition = 0 AND topic = 't'",
            "UPDATE kafka_offsets SET caught_up_at = NULL WHERE partition = 1",
            "UPDATE kafka_offsets SET caught_up_at = '2026-05-12 02:00:10Z' WHERE topic = 't.gaps'",
            "DELETE FROM kafka_offsets WHERE topic = 't.gaps'",
            "TRUNCATE kafka_offsets",
        ])
    func behind(_ lag: String) async throws {
        let database = try await CompletenessDatabase()
        try await database.probe.execute(
            """
            INSERT INTO trade_data VALUES ('2026-05-12 00:30Z', 'BTC', 1, 1), ('2026-05-12 02:00:01Z', 'BTC', 1, 1);
            INSERT INTO kafka_offsets (topic, partition, next_offset, last_event_time, caught_up_at)
            VALUES ('t', 0, 1, '2026-05-12 02:00:01Z', NULL), ('t', 1, 1, NULL, '2026-05-12 02:00:00Z'),
                ('t.gaps', 0, 0, NULL, '2026-05-12 02:00:20Z'), ('abandoned', 0, 7, NULL, NULL)
            """)
        let span = "'2026-05-12 01:00Z', '2026-05-12 02:00Z', 't'"
        #expect(try await isClean(database, span) == "t")
        try await database.probe.execute(lag)
        #expect(try await isClean(database, span) == nil)
    }

    @Test("Without a topic's name every topic counts, and each needs to have told its gaps")
    func everyTopic() async throws {
        let database = try await CompletenessDatabase()
        try await database.probe.execute(
            """
            INSERT INTO trade_data VALUES ('2026-05-12 00:30Z', 'BTC', 1, 1), ('2026-05-12 02:00:01Z', 'BTC', 1, 1);
            INSERT INTO kafka_offsets (topic, partition, next_offset, caught_up_at)
            SELECT topic, 0, 1, '2026-05-12 02:00:20Z' FROM unnest('{t, t.gaps, renamed}'::text[]) AS topic
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
