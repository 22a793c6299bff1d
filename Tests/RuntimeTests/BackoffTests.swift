import Runtime
import TestSupport
import Testing

@Suite("A back-off")
struct BackoffTests {
    @Test("Its bound doubles with every failure and stops at its limit")
    func bounds() {
        var longest = [Duration](repeating: .zero, count: 50)
        for seed in 0..<400 {
            var generator = SplitMix64(seed: UInt64(seed))
            var backoff = Backoff(base: .milliseconds(250), limit: .seconds(30))
            for attempt in longest.indices {
                let wait = backoff.next(using: &generator)
                #expect(wait >= .zero)
                longest[attempt] = max(longest[attempt], wait)
            }
        }
        for (attempt, wait) in longest.enumerated() {
            let bound = min(.seconds(30), .milliseconds(250) * (1 << min(attempt, 10)))
            #expect(wait <= bound && wait > bound * 0.9, "attempt \(attempt): \(wait)")
        }
    }

    @Test("Full jitter: the waits of many clients spread from nothing to the bound")
    func jitter() {
        var generator = SplitMix64(seed: 1)
        let waits = (0..<400).map { _ in
            var backoff = Backoff(base: .seconds(1), limit: .seconds(30))
            return backoff.next(using: &generator)
        }
        #expect(waits.count { $0 < .milliseconds(250) } > 60 && waits.count { $0 > .milliseconds(750) } > 60)
    }

    @Test("After a success the first wait is short again")
    func reset() {
        var generator = SplitMix64(seed: 1)
        var backoff = Backoff(base: .milliseconds(1), limit: .seconds(30))
        for _ in 0..<20 { _ = backoff.next(using: &generator) }
        #expect(backoff.next(using: &generator) > .milliseconds(1))
        backoff.reset()
        #expect(backoff.next(using: &generator) <= .milliseconds(1))
    }
}
