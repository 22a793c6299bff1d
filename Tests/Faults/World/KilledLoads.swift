import Glibc
import TestSupport

/// Loaders that are killed while they load.
final class KilledLoads: Sendable {
    struct Figures: Sendable {
        var kills = 0
        /// How many of these loaders caught up, without an hour by name.
        var catchUpKills = 0
        /// Loads that were through before the kill came.
        var completed = 0
        /// Other ends, with their last words.
        var failures: [String] = []
    }

    let observed = WatchedValue(Figures())
    private let world: FaultWorld
    private let watch: RoundWatch
    private let hours: [String]

    /// - Parameter hours: of the session, as the loader spells them.
    init(_ world: FaultWorld, _ watch: RoundWatch, hours: [String]) {
        self.world = world
        self.watch = watch
        self.hours = hours
    }

    /// Loads until a kill meets a loader that still runs: each try waits half as long.
    func perform(_ fault: Fault) async throws {
        guard case .killLoad(let hour, let milliseconds, let warehouse) = fault, !hours.isEmpty else { return }
        for fault in warehouse { fault.inject(into: world.warehouse.fake) }
        var wait = milliseconds
        let name = hour.map { hours[$0 % hours.count] }
        while try await !isKilled(name, afterMilliseconds: wait), wait > 0 { wait /= 2 }
    }

    private func isKilled(_ hour: String?, afterMilliseconds wait: Int) async throws -> Bool {
        let loader = try world.loader(hour: hour)
        let end = try? await loader.exitStatus(within: .milliseconds(wait))
        watch.look(at: loader, "loader")
        loader.kill()
        let exit = try await loader.exitStatus(within: .seconds(30))
        if end == nil, exit == .signal(SIGKILL) {
            observed.update {
                $0.kills += 1
                $0.catchUpKills += hour == nil ? 1 : 0
            }
            return true
        }
        try await loader.errors.closed(within: .seconds(10), "the loader's output")
        observed.update {
            if exit == .code(0) {
                $0.completed += 1
            } else {
                $0.failures.append("\(hour ?? "catching up"): \(exit): \(loader.errors.elements.last ?? "")")
            }
        }
        return false
    }
}
