import AsyncHTTPClient
import Foundation
import Market
import NIOCore
import NIOHTTP1

/// Somebody else's emulator as the pipeline's BigQuery: it runs already, at `BIGQUERY_EMULATOR_HOST`.
struct OtherEmulator: PipelineWarehouse {
    let name: String
    let loaderSettings: [String: String]
    private let project: String
    private let dataset: String
    /// Up to, and without, `/projects`.
    private let endpoint: String
    /// True for a dataset that we made up.
    private let isDatasetOurs: Bool

    /// nil when `environment` names no emulator. `BIGQUERY_DATASET` names a dataset that is kept;
    /// unset, it is one for this run alone.
    init?(environment: [String: String]) {
        guard let host = environment["BIGQUERY_EMULATOR_HOST"], !host.isEmpty else { return nil }
        name = "the emulator at \(host)"
        project = environment["BIGQUERY_PROJECT"] ?? "sandbox"
        isDatasetOurs = environment["BIGQUERY_DATASET"] == nil
        dataset = environment["BIGQUERY_DATASET"] ?? "sandbox_\(UInt64.random(in: .min ... .max))"
        // The loader gets the host as it was given: reading its spellings is the loader's promise.
        loaderSettings = [
            "BIGQUERY_EMULATOR_HOST": host, "BIGQUERY_PROJECT": project, "BIGQUERY_DATASET": dataset,
        ]
        var url = host.contains("://") ? host : "http://\(host)"
        while url.hasSuffix("/") { url.removeLast() }
        endpoint = url.hasSuffix("/bigquery/v2") ? url : "\(url)/bigquery/v2"
    }

    func totals() async throws -> WarehouseTotals {
        let statement = """
            SELECT COUNT(*), SUM(trade_price), SUM(trade_volume) FROM `\(project).\(dataset).trade_data`
            """
        let answer = try await call(
            .POST, "/projects/\(project)/queries", ["query": .string(statement), "useLegacySql": false])
        let cells = answer["rows"]?.elements?.first?["f"]?.elements ?? []
        guard answer["jobComplete"]?.flag == true, cells.count == 3, let rows = cells[0]["v"]?.integer else {
            throw SetupError("\(name) does not count the rows: \(answer)")
        }
        return WarehouseTotals(
            rows: Int(rows), price: try cells[1]["v"]?.text.map { try Numeric($0) },
            volume: try cells[2]["v"]?.text.map { try Numeric($0) })
    }

    func stop() async throws {
        guard isDatasetOurs else { return }
        // A run that failed early has none: 404.
        _ = try await call(.DELETE, "/projects/\(project)/datasets/\(dataset)?deleteContents=true", accepting: 404)
    }

    private func call(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil, accepting failure: UInt? = nil)
        async throws -> JSON
    {
        var request = HTTPClientRequest(url: endpoint + path)
        request.method = method
        request.headers.add(name: "Content-Type", value: "application/json")
        if let body { request.body = .bytes(ByteBuffer(string: body.description)) }
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = Array((try await answer.body.collect(upTo: 1 << 20)).readableBytesView)
        if answer.status.code == failure { return .null }
        guard (200..<300).contains(answer.status.code) else {
            throw SetupError("\(name): \(method) \(path): \(answer.status) \(String(decoding: bytes, as: UTF8.self))")
        }
        return bytes.isEmpty ? .null : try JSON(bytes)
    }
}
