import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport

/// A fake with a database of its own, and the plainest of clients.
struct BigQueryClient: Sendable {
    let fake: FakeBigQuery
    var token: String?

    static func start(_ name: String, options: FakeBigQuery.Options = .init()) async throws -> BigQueryClient {
        let database = try await TimescaleServer.shared.createDatabase("bigquery_\(name)", extension: false)
        return BigQueryClient(fake: try await FakeBigQuery(database: database, options: options))
    }

    /// With the dataset `d` and in it the table `t` of ``columns``, by the hour of `time`.
    static func withTable(_ name: String, options: FakeBigQuery.Options = .init()) async throws -> BigQueryClient {
        let client = try await start(name, options: options)
        _ = try await client.post("datasets", ["datasetReference": ["datasetId": "d"]])
        _ = try await client.createTable(
            "t", columns, extra: ["timePartitioning": ["type": "HOUR", "field": "time"]])
        return client
    }

    static let columns: [(String, String, String)] = [
        ("time", "TIMESTAMP", "REQUIRED"), ("code", "STRING", "NULLABLE"), ("price", "NUMERIC", "NULLABLE"),
        ("n", "INT64", "NULLABLE"),
    ]

    func createTable(_ name: String, _ columns: [(String, String, String)], extra: [String: JSON] = [:]) async throws
        -> (status: Int, json: JSON)
    {
        let fields = columns.map { ["name": .string($0.0), "type": .string($0.1), "mode": .string($0.2)] as JSON }
        let body: [String: JSON] = [
            "tableReference": ["tableId": .string(name)], "schema": ["fields": .array(fields)],
        ]
        return try await post("datasets/d/tables", .object(body.merging(extra) { $1 }))
    }

    func insert(
        _ rows: [JSON], ids: [String?] = [], flags: [String: JSON] = [:], table: String = "t"
    ) async throws -> (status: Int, json: JSON) {
        let list = rows.enumerated().map { index, row -> JSON in
            var members = ["json": row]
            if ids.indices.contains(index), let id = ids[index] { members["insertId"] = .string(id) }
            return .object(members)
        }
        return try await post(
            "datasets/d/tables/\(table)/insertAll", .object(["rows": .array(list)].merging(flags) { $1 }))
    }

    func query(_ text: String, _ parameters: [JSON] = [], extra: [String: JSON] = [:]) async throws
        -> (status: Int, json: JSON)
    {
        let body: [String: JSON] = [
            "query": .string(text), "useLegacySql": false, "parameterMode": "NAMED",
            "queryParameters": .array(parameters),
        ]
        return try await post("queries", .object(body.merging(extra) { $1 }))
    }

    static func parameter(_ name: String, _ type: String, _ value: String) -> JSON {
        [
            "name": .string(name), "parameterType": ["type": .string(type)],
            "parameterValue": ["value": .string(value)],
        ]
    }

    func post(_ path: String, _ body: JSON) async throws -> (status: Int, json: JSON) {
        try await send(.POST, "/bigquery/v2/projects/test-project/\(path)", body: Array(body.description.utf8)).parsed
    }

    func get(_ path: String) async throws -> (status: Int, json: JSON) {
        try await send(.GET, "/bigquery/v2/projects/test-project/\(path)").parsed
    }

    func send(
        _ method: HTTPMethod, _ path: String, body: [UInt8] = [], headers: [(String, String)] = []
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://\(fake.host)\(path)")
        request.method = method
        request.headers = HTTPHeaders(headers)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if method == .POST { request.body = .bytes(body) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let content = try await response.body.collect(upTo: 1 << 26)
        return Answer(
            status: Int(response.status.code), headers: response.headers, body: Array(content.readableBytesView))
    }

    struct Answer {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]

        var parsed: (status: Int, json: JSON) {
            get throws { (status, try JSON(body)) }
        }
    }
}

extension JSON {
    /// The reason of an answer that is an error.
    var reason: String? { self["error"]?["errors"]?.elements?.first?["reason"]?.text }
    var message: String? { self["error"]?["message"]?.text }

    /// `index: reason location message` for each row error.
    var rowErrors: [String] {
        (self["insertErrors"]?.elements ?? []).map { row in
            let error = row["errors"]?.elements?.first
            let words = [error?["reason"]?.text, error?["location"]?.text, error?["message"]?.text]
            return "\(row["index"]?.integer ?? -1): "
                + words.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
        }
    }

    /// The values of a query's rows.
    var values: [[String?]] {
        (self["rows"]?.elements ?? []).map { ($0["f"]?.elements ?? []).map { $0["v"]?.text } }
    }

    /// A row of ``BigQueryClient/columns``, now.
    static func row(_ members: [String: JSON] = [:]) -> JSON {
        let time = JSON.string(Date().ISO8601Format())
        return .object(["time": time, "code": "BTC", "price": "1.5", "n": 1].merging(members) { $1 })
    }
}
