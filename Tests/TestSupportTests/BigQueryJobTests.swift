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
