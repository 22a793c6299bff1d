/// How long ticks take from one point of their way to another, as the samples of a ``CommitCurve`` tell.
///
/// The n-th tick that arrived is compared with the n-th that left. A tick counts as gone at the sample before the
/// one that saw it go, so the figure is rather too long than too short.
struct TickLatency {
    /// Shortest first.
    private let latencies: [Duration]

    /// - Parameters:
    ///   - start: how many ticks had left, and `end`: how many had arrived.
    ///   - first: the first tick that counts, from 1; those before it warm up.
    init(
        _ samples: [CommitCurve.Sample], between start: (CommitCurve.Sample) -> Int,
        and end: (CommitCurve.Sample) -> Int, from first: Int
    ) {
        var latencies: [Duration] = []
        var leaving = 0
        var tick = first
        for sample in samples {
            while tick <= end(sample) {
                while leaving + 1 < samples.count, start(samples[leaving + 1]) < tick { leaving += 1 }
                latencies.append(max(.zero, sample.time - samples[leaving].time))
                tick += 1
            }
        }
        self.latencies = latencies.sorted()
    }

    /// The latency that this part of the ticks does not exceed; nil without ticks.
    func percentile(_ part: Double) -> Duration? {
        latencies.isEmpty ? nil : latencies[min(latencies.count - 1, Int(Double(latencies.count) * part))]
    }
}
