import Testing

@testable import Runtime

@Suite("Heartbeat")
struct HeartbeatTests {
    private let start = ContinuousClock.now

    @Test("a loop has its limit's time for its first turn")
    func begins() {
        let heartbeat = Heartbeat("loop", limit: .seconds(10), at: start)
        #expect(heartbeat.isAlive(at: start + .seconds(10)))
        #expect(!heartbeat.isAlive(at: start + .milliseconds(10_001)))
    }

    @Test("silence counts from the last turn")
    func beats() {
        let heartbeat = Heartbeat("loop", limit: .seconds(10), at: start)
        heartbeat.beat(at: start + .seconds(60))
        #expect(heartbeat.silence(at: start + .seconds(64)) == .seconds(4))
        #expect(heartbeat.isAlive(at: start + .seconds(70)))
        #expect(!heartbeat.isAlive(at: start + .seconds(71)))
    }

    @Test("a service is told which of its loops hangs, and for how long")
    func names() {
        let (socket, deliveries) = (
            Heartbeat("the socket's loop", limit: .seconds(10), at: start),
            Heartbeat("the deliveries' loop", limit: .seconds(30), at: start)
        )
        let health = Health(heartbeats: [socket, deliveries], obstacles: { ["no connection"] })
        #expect(health.stalls(at: start) == [])
        #expect(health.stalls(at: start + .seconds(20)) == ["the socket's loop has not turned for 20 s"])
        #expect(health.notReady(at: start + .seconds(5)) == ["no connection"])
    }
}
