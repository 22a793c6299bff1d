import Postgres
import TestSupport
import Testing

@testable import Consumer

@Suite("The schema of completeness", .timeLimit(.minutes(5)))
struct CompletenessSchemaTests {
    @Test("A database of an older version gets the table, the view and the function")
    func upgrade() async throws {
        let database = try await CompletenessDatabase()
        try await database.probe.execute(
            """
            DROP VIEW completeness; DROP FUNCTION is_clean; DROP TABLE market_hours, gaps, kafka_offsets;
            CREATE TABLE kafka_offsets (
                topic text NOT NULL, partition integer NOT NULL, next_offset bigint NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (topic, partition))
            """)
        try await database.createSchema()
        #expect(try await database.probe.rows("SELECT count(*) FROM completeness") == [["0"]])
        #expect(try await database.probe.rows("SELECT is_clean('2026-01-01Z', '2026-01-02Z')") == [[nil]])
    }

    @Test("View and function are replaced when they differ and left alone when they do not")
    func replacement() async throws {
        let database = try await CompletenessDatabase()
        let identity = "SELECT (SELECT xmin FROM pg_proc WHERE proname = 'is_clean'), \(Self.viewVersion)"
        let before = try await database.probe.rows(identity)
        try await database.createSchema()
        #expect(try await database.probe.rows(identity) == before)

        try await database.probe.execute(
            """
            COMMENT ON VIEW completeness IS 'of another version';
            COMMENT ON FUNCTION is_clean(timestamptz, timestamptz, text) IS NULL;
            CREATE VIEW incomplete AS SELECT * FROM completeness WHERE complete IS NOT TRUE;
            DROP ROLE IF EXISTS reader; CREATE ROLE reader; GRANT SELECT ON completeness TO reader
            """)
        try await database.createSchema()
        let after = try await database.probe.rows(identity)
        #expect(after[0][0] != before[0][0] && after[0][1] != before[0][1])
        #expect(
            try await database.probe.rows(
                "SELECT has_table_privilege('reader', 'completeness', 'SELECT'), count(*) FROM incomplete") == [
                    ["t", "0"]
                ],
            "rights and views that users built on it stay")
        try await database.createSchema()
        #expect(try await database.probe.rows(identity) == after)
    }

    @Test(
        "Where users call something of their own so, it stays theirs, and the tables are made all the same",
        arguments: [
            "DROP VIEW completeness; CREATE TABLE completeness (code text)",
            "DROP VIEW completeness; CREATE VIEW completeness AS SELECT 1 AS number",
            """
            DROP FUNCTION is_clean; CREATE FUNCTION is_clean(timestamptz, timestamptz, text)
            RETURNS integer LANGUAGE sql AS 'SELECT 1'
            """,
        ])
    func takenName(_ statement: String) async throws {
        let database = try await CompletenessDatabase()
        try await database.probe.execute("DROP TABLE dead_letters; \(statement)")
        let theirs =
            "SELECT (SELECT xmin FROM pg_class WHERE relname = 'completeness'), "
            + "(SELECT xmin FROM pg_proc WHERE proname = 'is_clean')"
        let before = try await database.probe.rows(theirs)
        try await database.createSchema()
        #expect(try await database.probe.rows(theirs) == before)
        #expect(try await database.probe.rows("SELECT count(*) FROM dead_letters") == [["0"]])
    }

    @Test("Every column of the view tells what it means")
    func documentation() async throws {
        let database = try await CompletenessDatabase()
        #expect(
            try await database.probe.rows(
                """
                SELECT count(*), count(col_description(attrelid, attnum)) FROM pg_attribute
                WHERE attrelid = 'completeness'::regclass AND attnum > 0
                """) == [["14", "14"]])
    }

    /// When the view's rule was written last.
    private static let viewVersion = "(SELECT xmin FROM pg_rewrite WHERE ev_class = 'completeness'::regclass)"
}
