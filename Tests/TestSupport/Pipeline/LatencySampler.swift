package import Postgres
import Runtime
import Synchronization

/// Measures from outside how long a tick takes from the exchange's socket to a committed row.
///
/// Every few milliseconds it notes how many frames were sent and how many records are committed (the
/// sum of the next offsets, which moves with the rows). The n-th record committed is compared with the
/// n-th frame sent; a frame counts as sent at the sample before it was seen, so the figure is rather
/// too long than too short.
package final class LatencySampler: Sendable {
    private struct Sample {
        let time: ContinuousClock.Instant
        let sent: Int
        let committed: Int
    }

    private let samples = Mutex<[Sample]>([])
    private let isStopped = Atomic(false)
    private let thread = DedicatedThread(name: "latency")

    package init() {}

    /// Samples until ``stop()``.
    ///
    /// - Parameter sent: how many frames were sent until now; called on the sampler's thread.
    package func run(_ database: PostgresConfiguration, sent: @escaping @Sendable () -> Int) async throws {
        try await thread.run { [self] in
            let connection = try PostgresConnection(database)
            while !isStopped.load(ordering: .acquiring) {
                let sentNow = sent()
                let committed =
                    try connection.query("SELECT coalesce(sum(next_offset), 0) FROM kafka_offsets").integer(0, 0) ?? 0
                samples.withLock { $0.append(Sample(time: .now, sent: sentNow, committed: Int(committed))) }
                // Paced by the server, so that the measuring costs the measured little.
                try connection.execute("SELECT pg_sleep(0.004)")
            }
        }
    }

    package func stop() { isStopped.store(true, ordering: .releasing) }

    /// How many records are committed, as of the last sample.
    package var committed: Int { samples.withLock { $0.last?.committed ?? 0 } }

    /// The latencies of all frames, shortest first.
    package func latencies() -> [Duration] {
        let samples = samples.withLock { $0 }
        var latencies: [Duration] = []
        var sentAt = 0
        var frame = 0
        for sample in samples {
            while frame < sample.committed {
                frame += 1
                while sentAt + 1 < samples.count, samples[sentAt + 1].sent < frame { sentAt += 1 }
                latencies.append(max(.zero, sample.time - samples[sentAt].time))
            }
        }
        return latencies.sorted()
    }
}
