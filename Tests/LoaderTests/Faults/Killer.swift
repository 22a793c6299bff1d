import Synchronization
import TestSupport

/// Kills the program at one moment of its work.
final class Killer: Sendable {
    private let index: Int
    private let phase: RequestMoment.Phase
    private let loader = Mutex<ChildProcess?>(nil)

    init(index: Int, phase: RequestMoment.Phase) {
        self.index = index
        self.phase = phase
    }

    func aim(at loader: ChildProcess) { self.loader.withLock { $0 = loader } }

    /// Returns when the program is gone: the request does not go on before.
    func stepIn(_ moment: RequestMoment) async {
        guard moment.index == index, moment.phase == phase else { return }
        let loader = loader.withLock { $0 }
        loader?.kill()
        _ = try? await loader?.exitStatus(within: .seconds(60))
    }
}
