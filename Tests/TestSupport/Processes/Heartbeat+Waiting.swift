package import Runtime

extension Heartbeat {
    /// Returns once it has beaten so often from now on. A heartbeat tells nobody, so it is looked at again and again.
    package func beats(_ count: Int, within limit: Duration = .seconds(60)) async throws {
        let deadline = ContinuousClock.now + limit
        var seen = 0
        var silence = silence()
        while seen < count {
            guard ContinuousClock.now < deadline else { throw SetupError("\(name) beat \(seen) times in \(limit)") }
            try await Task.sleep(for: .milliseconds(5))
            let later = self.silence()
            if later < silence { seen += 1 }
            silence = later
        }
    }
}
