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
            let result = try await world.run(services(world), body)
            await world.stop()
            try await pipeline.stop()
            return result
        } catch {
            print("the outage broke off; logs in \(pipeline.folder)")
            try? await pipeline.stop(keepsFolder: true)
            throw error
        }
    }

    private func run<Result: Sendable>(
        _ services: [ServiceKeeper], _ body: @escaping @Sendable (FaultWorld) async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            for keeper in services {
                group.addTask {
                    try await keeper.run()
                    return nil
                }
            }
            group.addTask {
                let result = try await body(self)
                for keeper in services { try await keeper.stop(within: .seconds(5)) }
                return result
            }
            defer { group.cancelAll() }
            while let result = try await group.next() { if let result { return result } }
            throw CancellationError()
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
