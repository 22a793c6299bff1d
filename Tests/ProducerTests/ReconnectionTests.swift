import TestSupport
import Testing

@testable import Producer

@Suite("Reconnection")
struct ReconnectionTests {
    private let start = ContinuousClock.now

    @Test("The wait's bound doubles from 250 ms and stops at 2 s")
    func bounds() {
        var longest = [Duration](repeating: .zero, count: 12)
        for seed in 0..<400 {
            var generator = SplitMix64(seed: UInt64(seed))
            var reconnection = Reconnection()
            for attempt in longest.indices {
                longest[attempt] = max(
                    longest[attempt], reconnection.delay(at: start, wasOpen: true, using: &generator))
            }
        }
        for (attempt, wait) in longest.enumerated() {
            let bound = min(.seconds(2), .milliseconds(250) * (1 << attempt))
            #expect(wait <= bound && wait > bound * 0.9, "attempt \(attempt): \(wait)")
        }
    }

    @Test("Full jitter: waits spread from nothing to the bound")
    func jitter() {
        var generator = SplitMix64(seed: 1)
        let waits = (0..<400).map { _ in
            var reconnection = Reconnection()
            return reconnection.delay(at: start, wasOpen: true, using: &generator)
        }
        #expect(waits.count { $0 < .milliseconds(125) } > 150 && waits.count { $0 > .milliseconds(125) } > 150)
    }

    @Test("Two attempts are at least a second apart")
    func interval() {
        var generator = SplitMix64(seed: 1)
        var reconnection = Reconnection()
        reconnection.attempted(at: start)
        #expect(
            reconnection.delay(at: start + .milliseconds(100), wasOpen: true, using: &generator) == .milliseconds(900))
    }

    @Test("What an attempt took counts as waiting, but what a connection lasted does not")
    func attemptCounts() {
        var generator = SplitMix64(seed: 1)
        var reconnection = Reconnection()
        for _ in 0..<20 { _ = reconnection.delay(at: start, wasOpen: true, using: &generator) }
        reconnection.attempted(at: start)
        let now = start + .seconds(3)
        let waits = (0..<100).map { _ in
            (
                reconnection.delay(at: now, wasOpen: false, using: &generator),
                reconnection.delay(at: now, wasOpen: true, using: &generator)
            )
        }
        #expect(waits.allSatisfy { $0.0 == .zero })
        #expect(waits.contains { $0.1 > .milliseconds(1_500) })
    }

    @Test("Data makes the next wait short again")
    func reset() {
        var generator = SplitMix64(seed: 1)
        var reconnection = Reconnection()
        for _ in 0..<20 { _ = reconnection.delay(at: start, wasOpen: true, using: &generator) }
        reconnection.dataArrived()
        #expect(reconnection.delay(at: start, wasOpen: true, using: &generator) <= .milliseconds(250))
    }
}
