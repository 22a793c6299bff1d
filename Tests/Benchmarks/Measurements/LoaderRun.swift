import Foundation
import TestSupport

/// What one run of the real loader came to: an hour from Postgres into a sink that discards it.
struct LoaderRun {
    /// Rows that the sink accepted in the time from the first request's head to the last one's answer. What was
    /// read before the first is not counted.
    let acceptedRowsPerSecond: Double
    /// All of the loader's work on the hour: counting it in the source, sending, verifying, publishing, and the
    /// process's start.
    let seconds: Double
    let cpuMicrosecondsPerRow: Double
    let peakResidentMegabytes: Double
    let account: SinkBook.Account

    /// - Parameters:
    ///   - countsRows: makes the sink look into the requests, to prove that all rows were sent; slow.
    ///   - keptBody: a file for the body of the first request.
    init(_ hour: LoaderHour, _ pipeline: Pipeline, countsRows: Bool = false, keptBody: String? = nil) async throws {
        // Not even the ledger knows it.
        try await pipeline.database.execute("DROP TABLE IF EXISTS warehouse_loads, warehouse_rejects")
        let totals = hour.totals
        let sink = try ChildProcess(
            BuiltProduct.path("benchmarks"),
            ["sink", "--rows", "\(totals.rows)", "--price", totals.price, "--volume", totals.volume]
                + (countsRows ? ["--count"] : []) + (keptBody.map { ["--keep", $0] } ?? []))
        defer { sink.kill() }
        let address = try await sink.output.first(within: .seconds(20), "the sink") { $0.contains(":") }
        let start = ContinuousClock.now
        let loader = try pipeline.services.loader(
            ["--hour", hour.name], ["BIGQUERY_EMULATOR_HOST": address, "BIGQUERY_PROJECT": "benchmark"])
        let watch = Task { await Self.watch(loader) }
        let exit = try await loader.exitStatus(within: .seconds(1_200))
        seconds = (ContinuousClock.now - start).inSeconds
        let (peak, used) = await watch.value
        guard exit == .code(0) else {
            throw SetupError("the loader ended with \(exit): \(loader.errors.elements.suffix(5))")
        }
        let line = try await sink.output.first(after: 1, within: .seconds(10), "the sink's account") { _ in true }
        account = try JSONDecoder().decode(SinkBook.Account.self, from: Data(line.utf8))
        let counted = Double(totals.rows) * Double(account.requests - 1) / Double(account.requests)
        acceptedRowsPerSecond = counted / account.seconds
        cpuMicrosecondsPerRow = used / Double(totals.rows) * 1e6
        peakResidentMegabytes = peak
    }

    /// Looks at a process until it ends, since it takes what it knows of itself along.
    private static func watch(_ process: ChildProcess) async -> (peakMegabytes: Double, cpuSeconds: Double) {
        var (peak, used) = (0.0, 0.0)
        while process.isRunning {
            peak = max(peak, ProcessUsage.peakResidentMegabytes(of: process.processID))
            used = max(used, ProcessUsage.cpuSeconds(of: process.processID))
            try? await Task.sleep(for: .milliseconds(20))
        }
        return (peak, used)
    }
}
