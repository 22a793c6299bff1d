import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport

/// The loader, beside `COPY (…) TO STDOUT` of the same hour and beside sending the same bytes without a loader;
/// and its time and memory against the rows of an hour.
struct LoaderBenchmark {
    let kafka: BenchmarkKafka
    /// Rows in an hour: one for the speed, others for how cost grows.
    let size: Int
    let otherSizes: [Int]
    let rounds: Int

    func run() async throws -> [Figure] {
        try await kafka.withPipeline(partitions: 4) { pipeline in
            let sizes = ([size] + otherSizes).sorted()
            let hours = try await LoaderHour.fill(pipeline, sizes)
            try await proveThatAllIsSent(hours[0], pipeline)
            guard let main = hours.first(where: { $0.rows == size }) else {
                throw SetupError("no hour of \(size) rows")
            }
            var figures = try await speed(main, pipeline)
            if !otherSizes.isEmpty { figures += try await growth(hours, pipeline) }
            return figures
        }
    }

    /// A sink that discards would not notice a loader that sends nothing.
    private func proveThatAllIsSent(_ hour: LoaderHour, _ pipeline: Pipeline) async throws {
        let run = try await LoaderRun(hour, pipeline, countsRows: true)
        guard run.account.rows == hour.rows else {
            throw SetupError("the loader sent \(run.account.rows) rows of \(hour.rows)")
        }
    }

    private func speed(_ hour: LoaderHour, _ pipeline: Pipeline) async throws -> [Figure] {
        let body = "\(pipeline.folder)/insertAll"
        var runs: [LoaderRun] = []
        var copies: [Double] = []
        var posts: [Double] = []
        for _ in 0..<rounds {
            let run = try await LoaderRun(hour, pipeline, keptBody: body)
            runs.append(run)
            copies.append(try await copyOut(hour, pipeline))
            posts.append(try await post(body, run.account, hour))
        }
        return figures(hour, runs, copies: copies.best(.rowsPerSecond), posts: posts.best(.rowsPerSecond))
    }

    private func figures(_ hour: LoaderHour, _ runs: [LoaderRun], copies: Double, posts: Double) -> [Figure] {
        let accepted = runs.map(\.acceptedRowsPerSecond).best(.rowsPerSecond)
        let whole = runs.map { Double(hour.rows) / $0.seconds }.best(.rowsPerSecond)
        return [
            Figure(
                id: "loader.rows.copy", name: "loader, Postgres to accepted row", value: accepted, unit: .rowsPerSecond,
                limit: .init(name: "COPY TO STDOUT into /dev/null", value: copies), goal: .atLeast(200_000)),
            Figure(
                id: "loader.rows.sink", name: "loader, Postgres to accepted row", value: accepted, unit: .rowsPerSecond,
                limit: .init(name: "sending the same bytes", value: posts), isCompared: false),
            Figure(
                id: "loader.hour", name: "loader, a whole hour: count, send, verify, publish", value: whole,
                unit: .rowsPerSecond, limit: .init(name: "COPY TO STDOUT into /dev/null", value: copies)),
            Figure(
                id: "loader.cpu", name: "loader, CPU of all threads",
                value: runs.map(\.cpuMicrosecondsPerRow).best(.microsecondsPerRow), unit: .microsecondsPerRow),
            Figure(
                id: "loader.memory", name: "loader, peak resident memory",
                value: runs.map(\.peakResidentMegabytes).max() ?? 0, unit: .megabytes, goal: .atMost(100)),
        ]
    }

    /// Time and memory against the rows of an hour.
    private func growth(_ hours: [LoaderHour], _ pipeline: Pipeline) async throws -> [Figure] {
        var figures: [Figure] = []
        var memory: [Int: Double] = [:]
        for hour in hours {
            let run = try await LoaderRun(hour, pipeline)
            memory[hour.rows] = run.peakResidentMegabytes
            figures += [
                Figure(
                    id: "loader.\(hour.rows).seconds", name: "loader, an hour of \(grouped(hour.rows)) rows",
                    value: run.seconds, unit: .seconds),
                Figure(
                    id: "loader.\(hour.rows).memory",
                    name: "loader, peak resident memory at \(grouped(hour.rows)) rows",
                    value: run.peakResidentMegabytes, unit: .megabytes, goal: .atMost(100)),
            ]
        }
        return figures + likeness(memory)
    }

    /// Memory that does not depend on the hour's size: "the same" is within a tenth.
    private func likeness(_ memory: [Int: Double]) -> [Figure] {
        guard let small = memory[100_000], let large = memory[10_000_000] else { return [] }
        return [
            Figure(
                id: "loader.memory.growth", name: "loader, peak resident memory at 10,000,000 rows", value: large,
                unit: .megabytes, limit: .init(name: "at 100,000 rows", value: small), goal: .ratio(0.9),
                isCompared: false)
        ]
    }

    private func copyOut(_ hour: LoaderHour, _ pipeline: Pipeline) async throws -> Double {
        let start = ContinuousClock.now
        try await pipeline.psql("\\copy (\(hour.selection)) TO '/dev/null'")
        return Double(hour.rows) / (ContinuousClock.now - start).inSeconds
    }

    /// Sends the body of a request as often as the loader had requests, over as many connections.
    private func post(_ path: String, _ account: SinkBook.Account, _ hour: LoaderHour) async throws -> Double {
        let sink = try ChildProcess(
            BuiltProduct.path("benchmarks"), ["sink", "--rows", "0", "--price", "0", "--volume", "0"])
        defer { sink.kill() }
        let address = try await sink.output.first(within: .seconds(20), "the sink") { $0.contains(":") }
        let body = ByteBuffer(bytes: try Data(contentsOf: URL(filePath: path)))
        let connections = 4
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<connections {
                group.addTask {
                    for _ in 0..<account.requests / connections {
                        var request = HTTPClientRequest(url: "http://\(address)/insertAll")
                        request.method = .POST
                        request.body = .bytes(body)
                        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
                        _ = try await answer.body.collect(upTo: 1 << 20)
                    }
                }
            }
            try await group.waitForAll()
        }
        let sent = Double(hour.rows) / Double(account.requests) * Double(account.requests / connections * connections)
        return sent / (ContinuousClock.now - start).inSeconds
    }
}
