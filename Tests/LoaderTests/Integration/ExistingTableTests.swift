import AsyncHTTPClient
import Foundation
import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("Tables that exist already", .timeLimit(.minutes(5)))
struct ExistingTableTests {
    private let target = BigQuery.Target(
        endpoint: "", project: "p", dataset: "d", table: "t", location: "US", partitioning: "HOUR")

    /// Of columns as `name type`, some with a precision.
    private func schema(_ fields: [String]) -> String {
        let columns = fields.map { field in
            let parts = field.split(separator: " ")
            let digits = parts.count > 2 ? #","precision":"\#(parts[2])","scale":"2""# : ""
            return #"{"name":"\#(parts[0])","type":"\#(parts[1])"\#(digits)}"#
        }
        return #"{"fields":[\#(columns.joined(separator: ","))]}"#
    }

    private func post(_ text: String, to url: String) async throws {
        let answer = try await HTTPTransport(client: .shared).send(
            .post, url, headers: [("Content-Type", "application/json")], body: Array(text.utf8))
        try #require(answer.status == 200)
    }

    private func refusal(_ fields: [String]) throws -> String? {
        let answer = try JSONDecoder().decode(TableAnswer.self, from: Data(#"{"schema":\#(schema(fields))}"#.utf8))
        do {
            try target.finalTableRequest.check(answer)
            return nil
        } catch {
            return error.description
        }
    }

    private let own = ["time TIMESTAMP", "code STRING", "trade_price NUMERIC", "trade_volume NUMERIC"]

    @Test("Ours is accepted, in any order, with other columns, and with the older names of types")
    func accepted() throws {
        #expect(try refusal(own) == nil)
        #expect(try refusal(own.reversed() + ["note STRING"]) == nil)
        #expect(try refusal(["TIME timestamp", "code STRING", "trade_price DECIMAL", "trade_volume NUMERIC"]) == nil)
        try target.stagingTableRequest.check(TableAnswer(schema: nil))
    }

    @Test(
        "A column that would lose digits, or is not there, is named with the types that it must have",
        arguments: [
            ("trade_price FLOAT", "has trade_price FLOAT64."),
            ("trade_price NUMERIC 10", "has trade_price NUMERIC(10, 2)."),
            ("price NUMERIC", "has no column trade_price."),
        ])
    func refused(column: String, reason: String) throws {
        let text = try #require(try refusal([own[0], own[1], column, own[3]]))
        #expect(text.contains("d.t \(reason)"))
        #expect(text.hasSuffix("time TIMESTAMP, code STRING, trade_price NUMERIC, trade_volume NUMERIC"))
    }

    @Test("The loader looks before it sends a row, whether it may create tables or not", arguments: ["true", "false"])
    func looked(creates: String) async throws {
        try await LoadRig.with { rig in
            let datasets = "http://\(rig.fake.host)/bigquery/v2/projects/\(rig.fake.projectID)/datasets"
            try await post(#"{"datasetReference":{"datasetId":"upbit"}}"#, to: datasets)
            let fields = ["time TIMESTAMP", "code STRING", "trade_price FLOAT", "trade_volume FLOAT"]
            try await post(
                #"{"tableReference":{"tableId":"trade_data"},"schema":\#(schema(fields))}"#,
                to: "\(datasets)/upbit/tables")
            rig.variables["BIGQUERY_CREATE"] = creates
            try await rig.addTrades(1)
            let error = try #require(await rig.failure() as? ConfigurationError)
            #expect(error.description.contains("trade_price FLOAT64"))
            #expect(rig.requests(.insertAll) == 0)
        }
    }
}
