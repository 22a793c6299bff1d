/// How long ticks take from the exchange's socket to a committed row, as the samples of a ``CommitCurve`` tell.
///
/// The n-th record committed is compared with the n-th frame sent. A frame counts as sent at the sample before the
/// one that saw it, so the figure is rather too long than too short.
struct TickLatency {
    /// Shortest first.
    private let latencies: [Duration]

    /// - Parameter first: the first frame that counts, from 1; those before it warm up.
    init(_ samples: [CommitCurve.Sample], from first: Int) {
        var latencies: [Duration] = []
        var sending = 0
        var frame = first
        for sample in samples {
            while frame <= sample.total {
                while sending + 1 < samples.count, samples[sending + 1].sent < frame { sending += 1 }
                latencies.append(max(.zero, sample.time - samples[sending].time))
                frame += 1
            }
        }
        self.latencies = latencies.sorted()
    }

    /// The latency that this part of the ticks does not exceed; nil without ticks.
    func percentile(_ part: Double) -> Duration? {
        latencies.isEmpty ? nil : latencies[min(latencies.count - 1, Int(Double(latencies.count) * part))]
    }
}
