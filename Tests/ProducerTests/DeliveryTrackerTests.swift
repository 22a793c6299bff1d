import TestSupport
import Testing

@testable import Producer

@Suite("The delivery tracker")
struct DeliveryTrackerTests {
    @Test("Everything is delivered below the first sequence without a report")
    func lowWatermark() {
        var tracker = DeliveryTracker(deliveredBelow: 5)
        tracker.delivered(6)
        tracker.delivered(4)
        #expect(tracker.deliveredBelow == 5)
        tracker.delivered(5)
        #expect(tracker.deliveredBelow == 7)
    }

    @Test("Sequences that do not come are passed with the frame behind them, also when that is told twice")
    func skip() {
        var tracker = DeliveryTracker(deliveredBelow: 1)
        tracker.delivered(1)
        tracker.skip(3..<1_000_000_000_000)
        tracker.skip(3..<1_000_000_000_000)
        tracker.delivered(1_000_000_000_001)
        #expect(tracker.deliveredBelow == 2)
        tracker.delivered(2)
        #expect(tracker.deliveredBelow == 3)
        tracker.delivered(1_000_000_000_000)
        #expect(tracker.deliveredBelow == 1_000_000_000_002)
    }

    @Test("It says what a plain set says, whatever the order of the reports", arguments: 0..<50)
    func random(_ seed: UInt64) {
        print("seed \(seed)")
        var generator = SplitMix64(seed: seed)
        var tracker = DeliveryTracker(deliveredBelow: 1)
        var (done, skipped): (Set<UInt64>, Set<UInt64>) = ([], [])
        var (low, next): (UInt64, UInt64) = (1, 1)
        var onTheirWay: [UInt64] = []
        for _ in 0..<3_000 {
            if Int.random(in: 0..<500, using: &generator) == 0 {
                let end = next + UInt64.random(in: 1...5_000, using: &generator)
                tracker.skip(next..<end)
                skipped.formUnion(next..<end)
                next = end
            } else if Bool.random(using: &generator) || onTheirWay.isEmpty {
                onTheirWay.append(next)
                next += 1
            } else {
                let report = onTheirWay.remove(at: Int.random(in: 0..<min(onTheirWay.count, 400), using: &generator))
                tracker.delivered(report)
                done.insert(report)
            }
            var behind = low
            while true {
                while skipped.contains(behind) { behind += 1 }
                guard done.contains(behind) else { break }
                behind += 1
                low = behind
            }
            #expect(tracker.deliveredBelow == low)
        }
    }
}
