import Testing

@testable import Benchmarks

@Suite struct CurveTests {
    private let start = ContinuousClock.now

    private func sample(
        _ milliseconds: Int, _ committed: [Int], sent: Int = 0, inKafka: Int = 0, cpu: Double = 0
    ) -> CommitCurve.Sample {
        .init(
            time: start + .milliseconds(milliseconds), committed: committed,
            sources: .init(sent: sent, inKafka: inKafka), cpuSeconds: cpu)
    }

    @Test("The clock begins with the first rows, which do not count, and ends with the last")
    func one() throws {
        let span = try CommitCurve.busySpan(
            [
                sample(0, []), sample(3_000, [0, 0], cpu: 1), sample(3_500, [100, 0], cpu: 1.5),
                sample(4_500, [500, 600], cpu: 2), sample(5_500, [1_000, 1_100], cpu: 3),
                sample(9_000, [1_000, 1_100], cpu: 9),
            ], consumers: 1)
        #expect(span.rows == 2_000)
        #expect(abs(span.seconds - 2) < 1e-9)
        #expect(span.cpuSeconds == 1.5)
    }

    @Test("Of two consumers both have to be at work: one that starts later or ends sooner is no pair")
    func two() throws {
        let span = try CommitCurve.busySpan(
            [
                sample(0, [0, 0]), sample(1_000, [100, 0]), sample(2_000, [200, 50]), sample(3_000, [900, 400]),
                sample(4_000, [1_000, 800]), sample(5_000, [1_000, 1_000]),
            ], consumers: 2)
        #expect(span.rows == 1_550)
        #expect(abs(span.seconds - 2) < 1e-9)
    }

    @Test("A run with nothing between its first and its last rows is refused", arguments: [1, 2])
    func short(consumers: Int) {
        #expect(throws: (any Error).self) {
            try CommitCurve.busySpan([sample(0, [0, 0]), sample(10, [10, 10])], consumers: consumers)
        }
    }

    @Test("A tick's latency runs from the look before the one that saw it sent to the one that saw its row")
    func latency() {
        let latency = TickLatency(
            [
                sample(0, [0], sent: 0), sample(10, [0], sent: 2), sample(20, [1], sent: 2), sample(35, [2], sent: 3),
                sample(95, [3], sent: 3),
            ], between: \.sources.sent, and: \.total, from: 1)
        #expect(latency.percentile(0) == .milliseconds(20))
        #expect(latency.percentile(0.5) == .milliseconds(35))
        #expect(latency.percentile(0.99) == .milliseconds(75))
    }

    @Test("Ticks that warm up do not count, and no tick is no latency")
    func warmUp() {
        let samples = [sample(0, [0], sent: 1), sample(900, [1], sent: 2), sample(910, [2], sent: 2)]
        #expect(
            TickLatency(samples, between: \.sources.sent, and: \.total, from: 2).percentile(0.99) == .milliseconds(910))
        #expect(TickLatency(samples, between: \.sources.sent, and: \.total, from: 3).percentile(0.99) == nil)
    }

    @Test("The parts of a tick's way are told apart by where it was at each look")
    func parts() {
        let samples = [
            sample(0, [0]), sample(10, [0], sent: 1), sample(18, [0], sent: 1, inKafka: 1),
            sample(48, [1], sent: 1, inKafka: 1),
        ]
        let toKafka = TickLatency(samples, between: \.sources.sent, and: \.sources.inKafka, from: 1)
        #expect(toKafka.percentile(0.99) == .milliseconds(18))
        let toRow = TickLatency(samples, between: \.sources.inKafka, and: \.total, from: 1)
        #expect(toRow.percentile(0.99) == .milliseconds(38))
    }
}
