import TestSupport

/// Makes a link too slow for the ticks that are sent, for a while, so that a backlog builds up before it.
final class SlowLinks: Sendable {
    struct Figures: Sendable {
        /// Of the database.
        var count = 0
        /// How often at least half a second of ticks waited that had not waited before.
        var boundCount = 0
        var largestBacklog = 0
    }

    let observed = WatchedValue(Figures())
    private let world: FaultWorld
    private static let interval = Duration.milliseconds(200)

    init(_ world: FaultWorld) { self.world = world }

    /// A row is some 60 bytes of COPY, half of them go over each consumer's connection: a third of what is needed.
    private var databaseBytesPerSecond: Int { max(world.rate * 10, 1_000) }
    /// A frame is some 900 bytes: a third of what is needed.
    private var exchangeBytesPerSecond: Int { max(world.rate * 300, 10_000) }

    func slowDatabase(milliseconds: Int) async throws {
        let before = await backlog() ?? 0
        try await world.databaseProxy.set(.init(bytesPerSecond: databaseBytesPerSecond, latency: .milliseconds(20)))
        let largest = try await largestBacklog(within: .milliseconds(milliseconds))
        try await world.databaseProxy.set(.init())
        observed.update {
            $0.count += 1
            $0.boundCount += largest - before >= world.rate / 2 ? 1 : 0
            $0.largestBacklog = max($0.largestBacklog, largest)
        }
    }

    func slowExchange(milliseconds: Int) async throws {
        let start = Chronicle.now
        try await world.exchangeProxy.set(.init(bytesPerSecond: exchangeBytesPerSecond, latency: .milliseconds(50)))
        try await Task.sleep(for: .milliseconds(milliseconds))
        try await world.exchangeProxy.set(.init())
        // What the line was given by then goes on at its speed: at most what it can hold.
        let rest = Int64(FaultProxy.heldBytesLimit) * 1_000_000 / Int64(exchangeBytesPerSecond)
        world.chronicle.add(.delay, Span(from: start, to: Chronicle.now + rest))
    }

    private func largestBacklog(within time: Duration) async throws -> Int {
        let end = ContinuousClock.now + time
        var largest = 0
        while ContinuousClock.now < end {
            try await Task.sleep(for: Self.interval)
            largest = max(largest, await backlog() ?? 0)
        }
        return largest
    }

    /// Nil while the database is away.
    private func backlog() async -> Int? { try? await world.backlog() }
}
