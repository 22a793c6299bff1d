import Foundation
import Glibc

/// A running Prometheus, on a port and in a folder of its own.
package final class PrometheusServer: Sendable {
    private let folder: TemporaryFolder
    private let port: AdminPort
    private let process: ChildProcess

    /// Scrapes these ports of 127.0.0.1 every second, each as a job of its own.
    package init(scraping jobs: [String: Int]) throws {
        folder = try TemporaryFolder()
        port = try AdminPort()
        let scrapes = jobs.sorted { $0.key < $1.key }.map { job, port in
            "  - job_name: \(job)\n    static_configs: [{targets: ['127.0.0.1:\(port)']}]\n"
        }
        let configuration = try folder.write(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n\(scrapes.joined())")
        process = try ChildProcess(
            try PrometheusBinaries.path("prometheus"),
            [
                "--config.file=\(configuration)", "--storage.tsdb.path=\(folder.path)/data",
                "--web.listen-address=127.0.0.1:\(port.port)", "--log.level=warn",
            ], folder: folder.path)
    }

    /// What an expression of PromQL is now: the values of its series, in the order of their appearance.
    package func values(of expression: String) async throws -> [Double] {
        let query = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let client = try RawClient(port: port.port)
        // Of version 1.0, so that the answer comes in one piece.
        try await client.send("GET /api/v1/query?query=\(query) HTTP/1.0\r\n\r\n")
        let answer = try JSON(Array(try AdminPort.Answer(try await client.readToEnd()).body.utf8))
        guard answer["status"]?.text == "success", let result = answer["data"]?["result"]?.elements else {
            throw SetupError("Prometheus answers \(answer)")
        }
        return result.compactMap { $0["value"]?.elements?.last?.text.flatMap(Double.init) }
    }

    /// Returns once an expression has one value, and it matches.
    package func wait(
        for expression: String, within limit: Duration = .seconds(60), _ matches: (Double) -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + limit
        var last: [Double] = []
        while ContinuousClock.now < deadline {
            last = (try? await values(of: expression)) ?? last
            if last.count == 1, matches(last[0]) { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw SetupError("'\(expression)' is \(last) after \(limit). \(process.errors.elements.suffix(3))")
    }

    package func stop() async throws {
        process.send(SIGTERM)
        _ = try await process.exitStatus(within: .seconds(60))
    }
}
