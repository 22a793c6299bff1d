import TestSupport
import Testing

@Suite struct BigQueryJobTests {
    private func job(_ id: String, _ text: String) -> JSON {
        [
            "jobReference": ["projectId": "test-project", "jobId": .string(id), "location": "US"],
            "configuration": ["query": ["query": .string(text), "useLegacySql": false]],
        ]
    }

    @Test("A job is pending, then running, then done, and its results can be fetched in pages")
    func states() async throws {
        let client = try await BigQueryClient.withTable("states")
        let text = "SELECT n FROM (SELECT 1 AS n UNION ALL SELECT 2 AS n) ORDER BY n"
        let created = try await client.post("jobs", job("j1", text))
        #expect(created.json["status"]?["state"] == "PENDING")
        #expect(try await client.get("jobs/j1").json["status"]?["state"] == "RUNNING")
        #expect(try await client.get("jobs/j1").json["status"] == ["state": "DONE"])
        let first = try await client.get("queries/j1?maxResults=1")
        #expect(first.json.values == [["1"]])
        let token = try #require(first.json["pageToken"]?.text)
        let second = try await client.get("queries/j1?maxResults=1&pageToken=\(token)")
        #expect(second.json.values == [["2"]])
        #expect(second.json["pageToken"] == nil)
    }

    @Test("A job id can be used once, whatever became of the job")
    func duplicate() async throws {
        let client = try await BigQueryClient.withTable("duplicate")
        client.fake.inject(.jobFails(GoogleError(503, "backendError", "Retry the job")), on: .createJob)
        let statement = job("j", "INSERT INTO `d.t` (time) VALUES (CURRENT_TIMESTAMP())")
        #expect(try await client.post("jobs", statement).status == 200)
        let again = try await client.post("jobs", statement)
        #expect(again.status == 409)
        #expect(again.json.reason == "duplicate")
        #expect(again.json.message == "Already Exists: Job test-project:US.j")
        _ = try await client.get("jobs/j")
        let status = try await client.get("jobs/j").json["status"]
        #expect(status?["state"] == "DONE")
        #expect(status?["errorResult"]?["reason"] == "backendError")
        #expect(try await client.get("queries/j").status == 503)
        #expect(try await client.fake.count("d", "t") == 0)
    }

    @Test("A wrong statement is a job that is done with an error")
    func failed() async throws {
        let client = try await BigQueryClient.withTable("failed")
        #expect(try await client.post("jobs", job("wrong", "SELECT nothing")).status == 200)
        _ = try await client.get("jobs/wrong")
        #expect(try await client.get("jobs/wrong").json["status"]?["errorResult"]?["reason"] == "invalidQuery")
        #expect(try await client.get("jobs/none").json.reason == "notFound")
        #expect(try await client.post("jobs", job("a b", "SELECT 1")).json.reason == "invalid")
    }

    @Test("ERROR fails the job with its message, and the job's id is used up by it")
    func failingStatement() async throws {
        let client = try await BigQueryClient.withTable("failing")
        #expect(try await client.post("jobs", job("e", "SELECT ERROR('on purpose')")).status == 200)
        _ = try await client.get("jobs/e")
        let status = try await client.get("jobs/e").json["status"]
        #expect(status?["state"] == "DONE")
        #expect(status?["errorResult"]?["reason"] == "invalidQuery")
        #expect(status?["errorResult"]?["message"]?.text?.contains("on purpose") == true)
        #expect(try await client.post("jobs", job("e", "SELECT 1")).json.reason == "duplicate")
        #expect(try await client.query("SELECT ERROR(1)").json.reason == "invalidQuery")
        #expect(try await client.query("SELECT n, ERROR('no row') FROM `d.t`").json["totalRows"] == "0")
    }

    @Test("A job tells what it did to rows: of a MERGE all three counts, of others the one that is theirs")
    func changes() async throws {
        let client = try await BigQueryClient.withTable("changes")
        let statements: [(String, JSON)] = [
            (
                "INSERT INTO `d.t` (time, n) VALUES (CURRENT_TIMESTAMP(), 1), (CURRENT_TIMESTAMP(), 2)",
                ["insertedRowCount": "2"]
            ),
            ("UPDATE `d.t` SET n = 3 WHERE n = 2", ["updatedRowCount": "1"]),
            (
                """
                MERGE `d.t` T USING (SELECT CURRENT_TIMESTAMP() AS time, n FROM `d.t`) S ON FALSE
                WHEN NOT MATCHED BY TARGET THEN INSERT (time, n) VALUES (time, n + 10)
                WHEN NOT MATCHED BY SOURCE AND T.n = 1 THEN DELETE
                """, ["insertedRowCount": "2", "deletedRowCount": "1", "updatedRowCount": "0"]
            ),
            ("DELETE FROM `d.t` WHERE n > 10", ["deletedRowCount": "2"]),
        ]
        for (index, (text, expected)) in statements.enumerated() {
            _ = try await client.post("jobs", job("c\(index)", text))
            _ = try await client.get("jobs/c\(index)")
            let done = try await client.get("jobs/c\(index)").json
            #expect(done["statistics"]?["query"]?["dmlStats"] == expected, "\(text)")
        }
        _ = try await client.post("jobs", job("q", "SELECT 1"))
        _ = try await client.get("jobs/q")
        #expect(try await client.get("jobs/q").json["statistics"]?["query"] == nil)
    }

    @Test("A query that is not complete at once is polled for")
    func incomplete() async throws {
        var options = FakeBigQuery.Options()
        options.pollsUntilQueryComplete = 2
        let client = try await BigQueryClient.withTable("incomplete", options: options)
        let answer = try await client.query("SELECT 1")
        #expect(answer.json["jobComplete"] == false)
        let id = try #require(answer.json["jobReference"]?["jobId"]?.text)
        #expect(try await client.get("queries/\(id)").json["jobComplete"] == false)
        #expect(try await client.get("queries/\(id)").json["jobComplete"] == false)
        #expect(try await client.get("queries/\(id)").json.values == [["1"]])
    }

    @Test("Outside of the multi-regions a job is found only with its location")
    func location() async throws {
        var options = FakeBigQuery.Options()
        options.location = "asia-northeast3"
        let client = try await BigQueryClient.withTable("location", options: options)
        _ = try await client.post("jobs", job("j", "SELECT 1"))
        #expect(try await client.get("jobs/j").status == 404)
        #expect(try await client.get("jobs/j?location=asia-northeast3").status == 200)
    }
}
