import Synchronization
import TestSupport

/// Kills the program at one moment of its work.
final class Killer: Sendable {
    private enum Step { case held, released, done }

    private let index: Int
    private let phase: RequestMoment.Phase
    private let isLate: Bool
    private let loader = Mutex<ChildProcess?>(nil)
    private let steps = EventLog<Step>()

    /// - Parameter isLate: the request that had arrived is carried out at ``release()``, as by a network that
    ///   delivers late; else when the program is gone.
    init(index: Int, phase: RequestMoment.Phase, isLate: Bool = false) {
        self.index = index
        self.phase = phase
        self.isLate = isLate && phase == .arrived
    }

    func aim(at loader: ChildProcess) { self.loader.withLock { $0 = loader } }

    /// Returns when the program is gone: the request does not go on before.
    func stepIn(_ moment: RequestMoment) async {
        guard moment.index == index else { return }
        if moment.phase == phase {
            let loader = loader.withLock { $0 }
            loader?.kill()
            _ = try? await loader?.exitStatus(within: .seconds(60))
            if isLate {
                steps.append(.held)
                _ = try? await steps.first(within: .seconds(240), "the late request's turn") { $0 == .released }
            }
        }
        if moment.phase == .done { steps.append(.done) }
    }

    /// Lets a late request go on, and returns when it was carried out; false when there is none.
    @discardableResult
    func release() async throws -> Bool {
        guard steps.elements.contains(.held) else { return false }
        steps.append(.released)
        _ = try await steps.first(within: .seconds(60), "the end of the late request") { $0 == .done }
        return true
    }
}
