import NIOHTTP1
import TestSupport
import Testing

@Suite struct BigQueryFaultTests {
    @Test("A refusal before the rows landed, and one after")
    func unavailable() async throws {
        let client = try await BigQueryClient.withTable("unavailable")
        client.fake.inject(.unavailable, on: .insertAll)
        client.fake.inject(.unavailableAfterDone, on: .insertAll)
        #expect(try await client.insert([.row()]).status == 503)
        #expect(try await client.fake.count("d", "t") == 0)
        #expect(try await client.insert([.row()]).status == 503)
        #expect(try await client.fake.count("d", "t") == 1)
        #expect(try await client.insert([.row()]).status == 200)
    }

    @Test("A reset in the middle of the answer leaves the rows written")
    func reset() async throws {
        let client = try await BigQueryClient.withTable("reset")
        client.fake.inject(.doneButReset, on: .insertAll)
        await #expect(throws: (any Error).self) { try await client.insert([.row()]) }
        #expect(try await client.fake.count("d", "t") == 1)
    }

    @Test("Too many requests says when to come back")
    func tooManyRequests() async throws {
        let client = try await BigQueryClient.withTable("rate")
        client.fake.inject(.tooManyRequests, on: .getTable)
        let answer = try await client.send(.GET, "/bigquery/v2/projects/test-project/datasets/d/tables/t")
        #expect(answer.status == 429)
        #expect(answer.headers.first(name: "Retry-After") == "1")
        client.fake.inject(.quota, on: .insertAll)
        #expect(try await client.insert([.row()]).json.reason == "quotaExceeded")
    }

    @Test("Chosen rows fail while the others land")
    func rows() async throws {
        let client = try await BigQueryClient.withTable("partial")
        client.fake.inject(.rows([1], reason: "backendError"), on: .insertAll)
        let answer = try await client.insert([.row(), .row(["code": "ETH"]), .row()])
        #expect(answer.json.rowErrors == ["1: backendError"])
        #expect(try await client.fake.rows("d", "t").map { $0["code"] } == ["BTC", "BTC"])
    }

    @Test("A front end's 413 is HTML, and a fault strikes as often as it was injected")
    func times() async throws {
        let client = try await BigQueryClient.withTable("times")
        client.fake.inject(.tooLargeAsHTML, on: .getTable, times: 2)
        let path = "/bigquery/v2/projects/test-project/datasets/d/tables/t"
        for status in [413, 413, 200] { #expect(try await client.send(.GET, path).status == status) }
        #expect(client.fake.exchanges.elements.suffix(3).map(\.status) == [413, 413, 200])
    }
}
