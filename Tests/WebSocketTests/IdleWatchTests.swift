import Testing

@testable import WebSocket

@Suite("The watch over a peer")
struct IdleWatchTests {
    private let start = ContinuousClock.now

    @Test("It is asked at intervals, and dead when nothing at all is heard after that")
    func silence() {
        var watch = IdleWatch(pingSeconds: 10, at: start)
        #expect(watch.verdict(at: start + .seconds(4)) == .look(.seconds(6)))
        #expect(watch.verdict(at: start + .seconds(10)) == .ping(.seconds(5)))
        #expect(watch.verdict(at: start + .seconds(12)) == .look(.seconds(3)))
        #expect(watch.verdict(at: start + .seconds(15)) == .dead)
    }

    @Test("It is asked while data comes, too, which is answer enough")
    func heard() {
        var watch = IdleWatch(pingSeconds: 10, at: start)
        watch.heard()
        #expect(watch.verdict(at: start + .seconds(10)) == .ping(.seconds(5)))
        watch.heard()
        #expect(watch.verdict(at: start + .seconds(15)) == .look(.seconds(5)))
        #expect(watch.verdict(at: start + .seconds(20)) == .ping(.seconds(5)))
        #expect(watch.verdict(at: start + .seconds(25)) == .dead)
    }

    @Test("With a short interval it has its two seconds, and is asked meanwhile")
    func patience() {
        var watch = IdleWatch(pingSeconds: 1, at: start)
        #expect(watch.verdict(at: start + .seconds(1)) == .ping(.seconds(1)))
        #expect(watch.verdict(at: start + .seconds(2)) == .ping(.seconds(1)))
        #expect(watch.verdict(at: start + .seconds(3)) == .dead)
    }

    @Test("A process that could not run for an hour asks first")
    func frozen() {
        var watch = IdleWatch(pingSeconds: 10, at: start)
        #expect(watch.verdict(at: start + .seconds(3_600)) == .ping(.seconds(5)))
        #expect(watch.verdict(at: start + .seconds(3_605)) == .dead)
    }
}
