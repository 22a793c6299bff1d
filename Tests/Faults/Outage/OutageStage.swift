import TestSupport

extension FaultWorld {
    /// A world for one outage: `services` are kept running while `body` works.
    static func with<Result: Sendable>(
        _ session: Session, rate: Int, partitions: Int = 48,
        running services: @escaping @Sendable (FaultWorld) -> [ServiceKeeper],
        _ body: @escaping @Sendable (FaultWorld) async throws -> Result
    ) async throws -> Result {
        let pipeline = try await Pipeline(partitions: partitions)
        do {
            let world = try await start(over: pipeline, session, rate: rate, producer: [:])
            let running = services(world)
            let result = try await whileRunning(running.map { $0.run }) {
                let result = try await body(world)
                for keeper in running { try await keeper.stop() }
                return result
            }
            await world.stop()
            try await pipeline.stop()
            return result
        } catch {
            print("the outage broke off; logs in \(pipeline.folder)")
            try? await pipeline.stop(keepsFolder: true)
            throw error
        }
    }

    /// Returns when the services work, and lets the ticks begin.
    func begin(_ services: [ServiceKeeper]) async throws {
        for keeper in services {
            try await keeper.state.wait(within: .seconds(30)) { $0.process != nil }
            await keeper.waitForWord(keeper.name == producer.name ? "connected" : "assigned", within: .seconds(30))
        }
        try await exchange.resume()
    }

    /// Returns when the exchange has sent so many ticks.
    func sent(_ count: Int, within limit: Duration) async throws {
        try await exchange.observed.wait(within: limit) { $0.playback.position >= count }
    }
}
