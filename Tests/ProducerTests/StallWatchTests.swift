import Testing

@testable import Producer

@Suite("The stall watch")
struct StallWatchTests {
    private let start = ContinuousClock.now

    @Test("A connection that never brings data is stalled after the timeout")
    func never() {
        let watch = StallWatch(timeout: .seconds(10), at: start)
        #expect(watch.verdict(at: start + .seconds(4)) == .look(after: .seconds(6)))
        #expect(watch.verdict(at: start + .seconds(10)) == .stalled(silence: .seconds(10)))
    }

    @Test("Data moves the deadline")
    func data() {
        var watch = StallWatch(timeout: .seconds(10), at: start)
        watch.dataArrived(at: start + .seconds(9))
        #expect(watch.verdict(at: start + .seconds(12)) == .look(after: .seconds(7)))
        #expect(watch.verdict(at: start + .seconds(19)) == .stalled(silence: .seconds(10)))
    }

    @Test("Silence of a socket that is not read on purpose is no stall")
    func paused() {
        var watch = StallWatch(timeout: .seconds(10), at: start)
        watch.readingPaused()
        #expect(watch.verdict(at: start + .seconds(60)) == .look(after: .seconds(10)))
        watch.readingResumed(at: start + .seconds(60))
        #expect(watch.verdict(at: start + .seconds(69)) == .look(after: .seconds(1)))
    }

    @Test("Without a setting few markets may be silent for longer than many")
    func defaults() {
        #expect(StallWatch.defaultTimeout(markets: 259) == .seconds(8))
        #expect(StallWatch.defaultTimeout(markets: 1) == .seconds(300))
    }
}
