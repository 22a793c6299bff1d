import Postgres
import Runtime
import Synchronization
import TestSupport

/// Watches how the rows of a topic come into the database: how many of each partition are committed, and what
/// processor time some processes have used, every few milliseconds.
///
/// Rows and offsets move in one transaction, so the offsets tell the rows.
final class CommitCurve: Sendable {
    struct Sample {
        let time: ContinuousClock.Instant
        /// The next offset of each partition.
        let committed: [Int]
        /// How far the ticks were before, as a look right before told.
        let sources: Sources
        let cpuSeconds: Double

        var total: Int { committed.reduce(0, +) }
    }

    /// How many ticks had come how far.
    struct Sources {
        /// Sent by the exchange.
        var sent = 0
        /// To be had from Kafka.
        var inKafka = 0
    }

    /// What lies between two samples.
    struct Span {
        let rows: Int
        let seconds: Double
        let cpuSeconds: Double
    }

    private let thread = DedicatedThread(name: "commit-curve")

    /// Samples until `rows` are committed; throws when none more comes for a minute.
    ///
    /// - Parameters:
    ///   - period: the time between two samples.
    ///   - processes: whose processor time is noted.
    ///   - sources: how far the ticks are now; called on another thread.
    func watch(
        _ database: PostgresConfiguration, topic: String, rows: Int, every period: Duration = .milliseconds(10),
        processes: [Int32] = [], sources: @escaping @Sendable () -> Sources = { Sources() }
    ) async throws -> [Sample] {
        try await thread.run {
            let connection = try PostgresConnection(database)
            var samples: [Sample] = []
            var lastChange = ContinuousClock.now
            while (samples.last?.total ?? 0) < rows {
                let sourcesNow = sources()
                let result = try connection.query(
                    "SELECT next_offset FROM kafka_offsets WHERE topic = $1 ORDER BY partition", [topic])
                let committed = (0..<result.rowCount).map { Int(result.integer($0, 0) ?? 0) }
                let used = processes.reduce(0) { $0 + ProcessUsage.cpuSeconds(of: $1) }
                let sample = Sample(time: .now, committed: committed, sources: sourcesNow, cpuSeconds: used)
                if sample.total != samples.last?.total { lastChange = .now }
                if lastChange + .seconds(60) < .now { throw SetupError("only \(sample.total) of \(rows) rows came") }
                samples.append(sample)
                // Paced by the server, so that the measuring costs the measured little.
                try connection.execute("SELECT pg_sleep(\(period.inSeconds))")
            }
            return samples
        }
    }

    /// The time in which all of `consumers` were at work: from when each had committed something (its start and
    /// what it committed first are no throughput) until one had nothing left.
    ///
    /// - Parameter consumers: how many share the partitions, in ranges, as the group does.
    static func busySpan(_ samples: [Sample], consumers: Int) throws -> Span {
        guard let end = samples.last else { throw SetupError("nothing was committed") }
        let partitions = end.committed.count
        let shares = (0..<consumers).map { $0 * partitions / consumers..<($0 + 1) * partitions / consumers }
        let amount = { (sample: Sample, share: Range<Int>) in
            sample.committed.count < partitions ? 0 : sample.committed[share].reduce(0, +)
        }
        let first = samples.first { sample in shares.allSatisfy { amount(sample, $0) > 0 } }
        let last = samples.first { sample in shares.contains { amount(sample, $0) == amount(end, $0) } }
        guard let first, let last, last.total > first.total else {
            throw SetupError("the run was over too soon to be measured: give it more --rows")
        }
        return Span(
            rows: last.total - first.total, seconds: (last.time - first.time).inSeconds,
            cpuSeconds: last.cpuSeconds - first.cpuSeconds)
    }
}
