import Foundation
import TestSupport

/// What one run of one or more real consumers came to: all records of a topic, which are there before they
/// start, into an empty table.
struct ConsumerRun {
    let rowsPerSecond: Double
    let cpuMicrosecondsPerRow: Double
    let peakResidentMegabytes: Double
    /// From the start of the processes to the first row: connecting, and joining the group.
    let startSeconds: Double

    /// - Parameter rows: how many records the topic has.
    init(_ pipeline: Pipeline, rows: Int, consumers: Int = 1, settings: [String: String] = [:]) async throws {
        try await pipeline.emptyTables()
        // A group of its own: nobody waits for the member of a run before.
        let group = ["KAFKA_GROUP_ID": "benchmark-\(UUID().uuidString)"]
        let start = ContinuousClock.now
        let processes = try (0..<consumers).map { _ in
            try pipeline.services.consumer(settings.merging(group) { $1 })
        }
        defer { for process in processes { process.kill() } }
        let samples = try await CommitCurve().watch(
            pipeline.database.configuration, topic: pipeline.broker.topic, rows: rows,
            processes: processes.map(\.processID))
        let span = try CommitCurve.busySpan(samples, consumers: consumers)
        rowsPerSecond = Double(span.rows) / span.seconds
        cpuMicrosecondsPerRow = span.cpuSeconds / Double(span.rows) * 1e6
        startSeconds = samples.first { $0.total > 0 }.map { ($0.time - start).inSeconds } ?? 0
        peakResidentMegabytes = processes.map { ProcessUsage.peakResidentMegabytes(of: $0.processID) }.max() ?? 0
        for process in processes { try await process.end() }
    }
}

extension Pipeline {
    private static let logFiles = 24
    static let settingsToKeepLogFiles = ["min_wal_size": "\(16 * logFiles)MB"]

    /// Gives the database the write-ahead log of a server that has run for a while: files that are used again.
    /// A server that is new makes one whenever it wrote 16 MiB, and commits wait 100 ms for that.
    func makeLogFiles() async throws {
        for _ in 0..<Self.logFiles {
            try await database.execute("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()")
        }
        try await database.execute("CHECKPOINT")
    }

    /// Lets the consumer make its tables as it ships them, in a database that is ready for a run.
    func createTables() async throws {
        let consumer = try services.consumer(["KAFKA_GROUP_ID": "benchmark-tables"])
        try await consumer.errorLine(containing: "assigned", within: .seconds(30))
        try await consumer.end()
        try await makeLogFiles()
    }

    /// Makes every run begin alike: no rows, no progress, and nothing left to flush.
    func emptyTables() async throws {
        let tables = try await database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        try await database.execute("TRUNCATE \(tables.compactMap { $0[0] }.joined(separator: ", "))")
        try await database.execute("CHECKPOINT")
    }
}
