import Foundation
import NIOHTTP1
import TestSupport
import Testing

@Suite struct BigQueryInsertAllTests {
    @Test("Rows land digit for digit, and the answer to a success has no insertErrors")
    func success() async throws {
        let client = try await BigQueryClient.withTable("success")
        let (status, json) = try await client.insert([
            .row(["time": "2026-01-01T05:00:00.123456Z", "code": "tab\there \\ \n", "price": "103160000.000000001"]),
            .row(["time": "2026-01-01 05:00:00 UTC", "price": .number("0.5"), "n": "9223372036854775807"]),
            .row(["time": .number("1767243600.5"), "price": .null]),
        ])
        #expect(status == 200)
        #expect(json == ["kind": "bigquery#tableDataInsertAllResponse"])
        let rows = try await client.fake.rows("d", "t")
        #expect(rows.map { $0["time"] } == ["1767243600123456", "1767243600000000", "1767243600500000"])
        #expect(rows.map { $0["price"] } == ["103160000.000000001", "0.5", nil])
        #expect(rows[0]["code"] == "tab\there \\ \n")
        #expect(rows[1]["n"] == "9223372036854775807")
        #expect(try await client.fake.sum("d", "t", "price") == "103160000.500000001")
    }

    @Test("The rows of a table's last insertAll can be kept from so many queries of it, and come all at once")
    func unseenRows() async throws {
        var options = FakeBigQuery.Options()
        options.queriesUntilRowsAreSeen = 2
        let client = try await BigQueryClient.withTable("unseen", options: options)
        _ = try await client.insert([.row()])
        _ = try await client.insert([.row(), .row()])
        var counts: [String?] = []
        for _ in 0..<4 { counts.append(try await client.query("SELECT COUNT(*) FROM `d.t`").json.values[0][0]) }
        #expect(counts == ["1", "1", "3", "3"])
    }

    @Test("One bad row stops the others, and nothing is written")
    func stopped() async throws {
        let client = try await BigQueryClient.withTable("stopped")
        let (status, json) = try await client.insert([
            .row(), .row(["x": 1]), .row(["time": .null]), .row(["price": "55.066315446079813"]),
        ])
        #expect(status == 200)
        #expect(
            json.rowErrors == [
                "0: stopped", "1: invalid x no such field: x.", "2: invalid time Missing required field: time.",
                "3: invalid price Invalid NUMERIC value: 55.066315446079813",
            ])
        #expect(try await client.fake.count("d", "t") == 0)
    }

    @Test("With skipInvalidRows the good rows land; with ignoreUnknownValues unknown fields are dropped")
    func flags() async throws {
        let client = try await BigQueryClient.withTable("flags")
        let skipped = try await client.insert([.row(), .row(["x": 1])], flags: ["skipInvalidRows": true])
        #expect(skipped.json.rowErrors == ["1: invalid x no such field: x."])
        let ignored = try await client.insert([.row(["x": 1])], flags: ["ignoreUnknownValues": true])
        #expect(ignored.json.rowErrors.isEmpty)
        #expect(try await client.fake.count("d", "t") == 2)
    }

    @Test(
        "A value that its column cannot hold is an error of its row",
        arguments: [
            ("price", JSON.string("1.0000000001")), ("price", .string("123456789012345678901234567890")),
            ("price", .number("0.1234567891")), ("price", "abc"), ("price", true), ("price", [1]), ("price", ["a": 1]),
            ("n", "1.5"), ("n", "x"), ("n", "9223372036854775808"),
            ("time", "2026-01-01T05:00:00.1234567Z"), ("time", "2026-02-30 00:00:00"), ("time", "yesterday"),
            ("time", "2026-01-01T05:00:00 Europe"), ("time", "1999-01-01T00:00:00Z"), ("time", ""),
        ] as [(String, JSON)])
    func invalidValue(column: String, value: JSON) async throws {
        let client = try await Self.oneForAll.value
        let (_, json) = try await client.insert([.row([column: value])])
        #expect(json.rowErrors.first?.hasPrefix("0: invalid") == true)
        #expect(try await client.fake.count("d", "t") == 0)
    }

    private static let oneForAll = Task { try await BigQueryClient.withTable("invalid_values") }

    @Test("An insertId is remembered for its window, and not longer")
    func insertID() async throws {
        let client = try await BigQueryClient.withTable("insert_id")
        _ = try await client.insert([.row(), .row(), .row()], ids: ["a", "a", nil])
        #expect(try await client.fake.count("d", "t") == 2)
        client.fake.clock.advance(by: .seconds(30))
        _ = try await client.insert([.row()], ids: ["a"])
        #expect(try await client.fake.count("d", "t") == 2)
        client.fake.clock.advance(by: .seconds(61))
        _ = try await client.insert([.row()], ids: ["a"])
        #expect(try await client.fake.count("d", "t") == 3)
    }

    @Test("With a window of zero an insertId drops nothing")
    func noWindow() async throws {
        var options = FakeBigQuery.Options()
        options.insertIDWindow = .zero
        let client = try await BigQueryClient.withTable("no_window", options: options)
        for _ in 1...2 { _ = try await client.insert([.row()], ids: ["a"]) }
        #expect(try await client.fake.count("d", "t") == 2)
    }

    @Test("Too many rows and no rows are refused")
    func rowCount() async throws {
        let client = try await BigQueryClient.withTable("row_count")
        let many = try await client.insert(Array(repeating: ["n": 1], count: 50_001))
        #expect(many.status == 400)
        #expect(many.json.message?.contains("too many rows present in the request, limit: 50000") == true)
        #expect(try await client.insert([]).json.reason == "invalid")
    }

    @Test("More than 10 MB is refused in JSON, far more in HTML, and gzip counts as what it unpacks to")
    func size() async throws {
        let client = try await BigQueryClient.withTable("size")
        let path = "/bigquery/v2/projects/test-project/datasets/d/tables/t/insertAll"
        let row = JSON.row(["code": .string(String(repeating: "x", count: 10_485_760))])
        let refused = try await client.insert([row])
        #expect(refused.status == 400)
        #expect(refused.json.message == "Request payload size exceeds the limit: 10485760 bytes.")
        let html = try await client.send(.POST, path, body: [UInt8](repeating: 0x20, count: 30_000_000))
        #expect(html.status == 413)
        #expect(throws: JSONError.self) { try html.parsed }

        let file = FileManager.default.temporaryDirectory.appending(path: "body-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: URL(filePath: file.path + ".gz")) }
        try Data((["rows": [["json": .row()]]] as JSON).description.utf8).write(to: file)
        try await ChildProcess.run("/bin/gzip", [file.path])
        let packed = try Data(contentsOf: URL(filePath: file.path + ".gz"))
        let answer = try await client.send(.POST, path, body: Array(packed), headers: [("Content-Encoding", "gzip")])
        #expect(answer.status == 200)
        #expect(try await client.fake.count("d", "t") == 1)
    }

    @Test("A table that was just created is not found for a while; a decorator is refused")
    func newTable() async throws {
        var options = FakeBigQuery.Options()
        options.newTableDelay = .seconds(5)
        let client = try await BigQueryClient.withTable("new_table", options: options)
        #expect(try await client.insert([.row()]).json.reason == "notFound")
        client.fake.clock.advance(by: .seconds(5))
        #expect(try await client.insert([.row()]).status == 200)
        #expect(try await client.insert([.row()], table: "t$2026010105").status == 400)
        #expect(try await client.insert([.row()], table: "missing").status == 404)
    }

    @Test("Batches in flight together land whole")
    func parallel() async throws {
        let client = try await BigQueryClient.withTable("parallel")
        let rows = (0..<1_000).map { JSON.row(["n": .number("\($0)")]) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for batch in 0..<8 {
                let ids = rows.indices.map { Optional("\(batch)-\($0)") }
                group.addTask {
                    let answer = try await client.insert(rows, ids: ids)
                    #expect(answer.json.rowErrors.isEmpty)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await client.fake.count("d", "t") == 8_000)
        #expect(try await client.fake.sum("d", "t", "n") == "3996000")
    }
}
