import TestSupport
import Testing

@Suite struct BigQueryQueryTests {
    private static let hour = [
        BigQueryClient.parameter("from", "TIMESTAMP", "2026-01-01T05:00:00Z"),
        BigQueryClient.parameter("to", "TIMESTAMP", "2026-01-01T06:00:00Z"),
        BigQueryClient.parameter("id", "STRING", "it's a load"),
    ]

    /// The statement that publishes an hour: it replaces what the final table has of it.
    private static let publish = """
        MERGE `test-project.d.final` T  -- a comment
        USING (SELECT DISTINCT time, code, price, n FROM `test-project.d.t` WHERE code = @id) S
        ON FALSE
        WHEN NOT MATCHED BY TARGET THEN INSERT (time, code, price, n) VALUES (time, code, price, n)
        WHEN NOT MATCHED BY SOURCE AND T.time >= @from AND T.time < @to THEN DELETE
        """

    @Test("The hour's MERGE really runs: a rerun replaces the hour and touches nothing else")
    func merge() async throws {
        let client = try await BigQueryClient.withTable("merge")
        _ = try await client.createTable("final", BigQueryClient.columns)
        let rows: [JSON] = [
            .row(["time": "2026-01-01T05:00:00Z", "code": "it's a load"]),
            .row(["time": "2026-01-01T05:59:59.999Z", "code": "it's a load", "price": "0.000000001"]),
            .row(["time": "2026-01-01T05:30:00Z", "code": "another"]),
        ]
        _ = try await client.insert(rows)
        _ = try await client.query(
            "INSERT INTO `d.final` (time, code) VALUES (TIMESTAMP '2026-01-01 06:00:00+00', 'next hour')")
        let first = try await client.query(Self.publish, Self.hour)
        #expect(first.json["numDmlAffectedRows"]?.text == "2")
        let second = try await client.query(Self.publish, Self.hour)
        #expect(second.json["numDmlAffectedRows"]?.text == "4")
        #expect(try await client.fake.count("d", "final") == 3)
        #expect(try await client.fake.sum("d", "final", "price") == "1.500000001")
    }

    @Test("Rows come as BigQuery spells them, with their schema")
    func rows() async throws {
        let client = try await BigQueryClient.withTable("rows")
        _ = try await client.insert([.row(["time": "2026-01-01T05:00:00.5Z", "price": "100.50", "n": 7])])
        let text = """
            SELECT time, code, price, n, CAST(SUM(price) OVER () AS STRING) AS total, n = 7 AS same,
                UNIX_MICROS(TIMESTAMP_TRUNC(time, HOUR)) AS hour, IF(n > 1, 'many', "one") AS words, NULL = 1 AS nothing
            FROM `test-project`.d.t
            """.replacing("`test-project`.d.t", with: "`test-project.d.t`")
        let answer = try await client.query(text, extra: ["formatOptions": ["useInt64Timestamp": true]])
        let shared = ["BTC", "100.5", "7", "100.5", "true", "1767243600000000", "many", nil]
        #expect(answer.json.values == [["1767243600500000"] + shared])
        #expect(answer.json["jobComplete"] == true)
        #expect(answer.json["totalRows"] == "1")
        let types = answer.json["schema"]?["fields"]?.elements?.compactMap { $0["type"]?.text }
        #expect(
            types == [
                "TIMESTAMP", "STRING", "NUMERIC", "INTEGER", "STRING", "BOOLEAN", "INTEGER", "STRING", "BOOLEAN",
            ])
        let float = try await client.query("SELECT time FROM `d.t`")
        #expect(float.json.values == [["1.7672436005E9"]])
    }

    @Test("Counts and sums of INT64 are INT64, over distinct values too")
    func aggregates() async throws {
        let client = try await BigQueryClient.withTable("aggregates")
        _ = try await client.insert([.row(["n": 1]), .row(["n": 1]), .row(["n": 5])])
        let answer = try await client.query(
            "SELECT COUNT(*), COUNT(DISTINCT n), SUM(n), COUNTIF(n > 1), COALESCE(SUM(price), 0) FROM `d.t`")
        #expect(answer.json.values == [["3", "2", "7", "1", "4.5"]])
        let types = answer.json["schema"]?["fields"]?.elements?.compactMap { $0["type"]?.text }
        #expect(types == ["INTEGER", "INTEGER", "INTEGER", "INTEGER", "NUMERIC"])
    }

    @Test("Streamed rows cannot be changed for half an hour, but can be read")
    func streamingBuffer() async throws {
        let client = try await BigQueryClient.withTable("buffer")
        _ = try await client.insert([.row()])
        let statements = [
            "DELETE FROM `d.t` WHERE TRUE", "UPDATE `d.t` SET n = 2 WHERE TRUE",
            "MERGE INTO `d.t` T USING (SELECT 1 AS one) S ON FALSE WHEN NOT MATCHED BY SOURCE THEN DELETE",
        ]
        for statement in statements {
            let (status, json) = try await client.query(statement)
            #expect(status == 400)
            #expect(json.reason == "invalidQuery")
            #expect(
                json.message?.hasSuffix("would affect rows in the streaming buffer, which is not supported") == true)
        }
        #expect(try await client.query("SELECT COUNT(*) FROM `d.t`").json.values == [["1"]])
        client.fake.clock.advance(by: .seconds(30 * 60))
        for statement in statements { #expect(try await client.query(statement).status == 200) }
    }

    @Test(
        "What the fake cannot translate for certain is an error, never a guess",
        arguments: [
            "SELECT 1 / 2", "SELECT 7 % 2", "SELECT SAFE_CAST('x' AS INT64)", "SELECT FORMAT('%d', 1)",
            "SELECT GREATEST(1, NULL)", "SELECT * EXCEPT (n) FROM `d.t`", "SELECT r'\\d'", "SELECT 'a\\'b'",
            "SELECT INTERVAL 1 HOUR", "SELECT * FROM UNNEST([1])", "SELECT * FROM d.t", "SELECT * FROM pg_class",
            "TRUNCATE TABLE `d.t`", "DROP TABLE `d.t`", "DELETE FROM `d.t`", "SELECT 1; SELECT 2", "SELECT @missing",
            "SELECT CAST(1 AS BYTES)", "SELECT `a.b.c.d`", "SELECT ((1)", "SELEKT", "SELECT '''a'''", "",
        ])
    func refused(text: String) async throws {
        let client = try await Self.oneForAll.value
        let (status, json) = try await client.query(text)
        #expect(status == 400)
        #expect(json.reason == (text.isEmpty ? "invalid" : "invalidQuery"))
    }

    private static let oneForAll = Task { try await BigQueryClient.withTable("refused") }

    @Test("A query of a missing table is 404, and one without useLegacySql=false is refused")
    func missing() async throws {
        let client = try await BigQueryClient.withTable("missing")
        #expect(try await client.query("SELECT * FROM `d.none`").json.reason == "notFound")
        #expect(try await client.post("queries", ["query": "SELECT 1"]).json.reason == "invalid")
    }

    @Test("The same requestId again is answered with the same job, which ran once")
    func requestID() async throws {
        let client = try await BigQueryClient.withTable("request_id")
        for _ in 1...2 {
            let answer = try await client.query(
                "INSERT INTO `d.t` (time) VALUES (CURRENT_TIMESTAMP())", extra: ["requestId": "r"])
            #expect(answer.status == 200)
        }
        #expect(try await client.fake.count("d", "t") == 1)
    }
}
