/// What a service says of itself: whether it works, and whether data flow through it.
///
/// `/healthz` and a watchdog ask the first, `/readyz` the second. A service that waits for a broker is healthy
/// and not ready: to restart it would mend nothing.
package struct Health: Sendable {
    /// Of the loops that do the work.
    package let heartbeats: [Heartbeat]
    private let obstacles: @Sendable () -> [String]

    /// - Parameter obstacles: why no data flow, a plain line each; empty when they do. Called on the admin port's
    ///   thread, so it must not wait, and nothing secret may be in it.
    package init(heartbeats: [Heartbeat], obstacles: @escaping @Sendable () -> [String] = { [] }) {
        self.heartbeats = heartbeats
        self.obstacles = obstacles
    }

    /// Which loops hang, a line each; empty when the service is to be left alone.
    package func stalls(at now: ContinuousClock.Instant = .now) -> [String] {
        heartbeats.filter { !$0.isAlive(at: now) }.map { heartbeat in
            "\(heartbeat.name) has not turned for \(heartbeat.silence(at: now).components.seconds) s"
        }
    }

    /// Why no data flow, a line each; empty when they do.
    package func notReady(at now: ContinuousClock.Instant = .now) -> [String] { stalls(at: now) + obstacles() }
}
