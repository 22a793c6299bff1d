import NIOHTTP1
import TestSupport
import Testing

@Suite struct BigQueryTableTests {
    @Test("A dataset and a table can be created once, and are found afterwards")
    func create() async throws {
        let client = try await BigQueryClient.start("create")
        #expect(try await client.get("datasets/d").json.reason == "notFound")
        #expect(try await client.createTable("t", BigQueryClient.columns).json.reason == "notFound")
        let dataset: JSON = ["datasetReference": ["datasetId": "d"], "location": "US"]
        #expect(try await client.post("datasets", dataset).status == 200)
        let again = try await client.post("datasets", dataset)
        #expect(again.status == 409)
        #expect(again.json.reason == "duplicate")
        #expect(again.json["error"]?["status"] == "ALREADY_EXISTS")
        #expect(try await client.get("datasets/d").json["location"] == "US")

        #expect(try await client.get("datasets/d/tables/t").status == 404)
        let layout: [String: JSON] = [
            "timePartitioning": ["type": "HOUR", "field": "time"], "clustering": ["fields": ["code"]],
        ]
        #expect(try await client.createTable("t", BigQueryClient.columns, extra: layout).status == 200)
        #expect(try await client.createTable("t", BigQueryClient.columns).json.reason == "duplicate")
        let table = try await client.get("datasets/d/tables/t").json
        #expect(table["timePartitioning"] == layout["timePartitioning"])
        let types = table["schema"]?["fields"]?.elements?.compactMap { $0["type"]?.text }
        #expect(types == ["TIMESTAMP", "STRING", "NUMERIC", "INTEGER"])
    }

    @Test(
        "A table whose layout makes no sense is refused",
        arguments: [
            ["timePartitioning": ["type": "MINUTE", "field": "time"]],
            ["timePartitioning": ["type": "HOUR", "field": "none"]],
            ["timePartitioning": ["type": "HOUR", "field": "code"]], ["clustering": ["fields": ["none"]]],
            ["clustering": ["fields": []]], ["schema": ["fields": []]],
            ["schema": ["fields": [["name": "a", "type": "DECIMALISH"]]]],
            ["schema": ["fields": [["name": "a b", "type": "STRING"]]]],
        ] as [[String: JSON]])
    func refused(layout: [String: JSON]) async throws {
        let client = try await Self.oneForAll.value
        let answer = try await client.createTable("refused", BigQueryClient.columns, extra: layout)
        #expect(answer.status == 400)
        #expect(answer.json.reason == "invalid")
    }

    private static let oneForAll = Task { try await BigQueryClient.withTable("layouts") }

    @Test("An unknown path or project is not found, a body that is not JSON a parse error")
    func unknown() async throws {
        let client = try await BigQueryClient.start("unknown")
        #expect(try await client.send(.GET, "/bigquery/v2/projects/other/datasets/d").status == 404)
        #expect(try await client.send(.GET, "/nothing").status == 404)
        let answer = try await client.send(.POST, "/bigquery/v2/projects/test-project/queries", body: [0x7B])
        #expect(try answer.parsed.json.reason == "parseError")
    }
}
