import Glibc
import TestSupport

/// Loaders that are killed while they load.
final class KilledLoads: Sendable {
    struct Figures: Sendable {
        var kills = 0
        /// How many of these loaders caught up, without an hour by name.
        var catchUpKills = 0
        /// How many of these loaders waited for the answer to a request.
        var openRequestKills = 0
        /// Loads that were through before the kill came.
        var completed = 0
        /// Other ends.
        var ownEnds: [ServiceEnd] = []
    }

    let observed = WatchedValue(Figures())
    private let world: FaultWorld
    private let watch: RoundWatch
    private let hours: [String]
    /// Requests that the warehouse has and has not answered.
    private let openRequests = WatchedValue(0)

    private static let limit = Duration.seconds(30)
    /// For one fault, of which no loader could be met.
    private static let tryLimit = Duration.seconds(60)
    private static let pause = Duration.milliseconds(300)

    /// - Parameter hours: of the session, as the loader spells them.
    init(_ world: FaultWorld, _ watch: RoundWatch, hours: [String]) {
        self.world = world
        self.watch = watch
        self.hours = hours
        world.warehouse.fake.watch { [openRequests] moment in
            openRequests.update { $0 += moment.phase == .arrived ? 1 : -1 }
        }
    }

    /// Loads until a kill meets a loader as it was meant: one that is through before is given half as long the next
    /// time.
    ///
    /// - Returns: false when none was met.
    func perform(_ fault: LoadFault) async throws -> Bool {
        guard !hours.isEmpty else { return false }
        for fault in fault.warehouse { fault.inject(into: world.warehouse.fake) }
        let end = ContinuousClock.now + Self.tryLimit
        var wait = fault.afterMilliseconds
        while ContinuousClock.now < end {
            switch try await load(fault, killedAfterMilliseconds: wait) {
            case .met: return true
            case .withoutRequest: break
            case .completed: wait /= 2
            // What it needs is away.
            case .failed: try await Task.sleep(for: Self.pause)
            }
        }
        return false
    }

    private enum Outcome {
        case met
        /// It was killed, but one that waits for an answer was meant.
        case withoutRequest
        case completed, failed
    }

    private func load(_ fault: LoadFault, killedAfterMilliseconds wait: Int) async throws -> Outcome {
        // The warehouse still works at what a killed loader had asked for: that is no request of this one.
        try await openRequests.wait(within: Self.limit) { $0 == 0 }
        let hour = fault.hour.map { hours[$0 % hours.count] }
        let loader = try world.loader(hour: hour)
        _ = try? await loader.exitStatus(within: .milliseconds(wait))
        if fault.isDuringRequest { await waitForRequest(of: loader) }
        watch.look(at: loader, FaultPlan.Lane.loader.rawValue)
        let openCount = openRequests.value
        loader.kill()
        let exit = try await loader.exitStatus(within: Self.limit)
        if exit == .signal(SIGKILL) {
            observed.update {
                $0.kills += 1
                $0.catchUpKills += hour == nil ? 1 : 0
                $0.openRequestKills += openCount > 0 ? 1 : 0
            }
            return openCount > 0 || !fault.isDuringRequest ? .met : .withoutRequest
        }
        try await loader.errors.closed(within: .seconds(10), "the loader's output")
        guard exit != .code(0) else {
            observed.update { $0.completed += 1 }
            return .completed
        }
        let words = "\(hour ?? "catching up"): \(loader.errors.elements.last ?? "")"
        observed.update {
            $0.ownEnds.append(ServiceEnd(service: "loader", start: 1, exit: exit, request: nil, lastWords: words))
        }
        return .failed
    }

    /// Returns when the warehouse has a request, or the loader has ended.
    private func waitForRequest(of loader: ChildProcess) async {
        await withTaskGroup { [openRequests] group in
            group.addTask { _ = try? await openRequests.wait(within: Self.limit) { $0 > 0 } }
            group.addTask { _ = try? await loader.exitStatus(within: Self.limit) }
            await group.next()
            group.cancelAll()
        }
    }
}
