import Dispatch
import Glibc
import Synchronization

/// Ends a connection whose server has gone silent in the middle of a call.
///
/// A frozen server, or a proxy whose server is gone, goes on to acknowledge what it is sent. TCP's time limits
/// see nothing wrong then, and libpq waits without one. So somebody looks from time to time whether the same
/// call still runs, and shuts the socket down, which libpq takes for the server's end. (Waiting with a limit of
/// our own around libpq's non-blocking calls would miss what the TLS library has read already.)
///
/// Time between calls does not count, nor does time in which this process is stopped.
final class AnswerWatch: Sendable {
    /// Between two looks.
    private let interval: DispatchTimeInterval
    /// Beginnings and ends of calls: odd while one runs.
    private let steps = Atomic(0)
    private let state: Mutex<State>

    private struct State {
        /// As they were at the last look.
        var steps = 0
        /// How often in a row the same call was seen to run.
        var looks = 0
        var hasEnded = false
        /// nil once it is stopped.
        var descriptor: CInt?
    }

    /// A call that lasts is ended at this look: after the limit, and before a fourth of it more.
    private static let looksPerLimit = 4
    /// All connections share it; a look takes no time.
    private static let queue = DispatchQueue(label: "database watch")

    /// nil when the process has no descriptor left.
    ///
    /// - Parameters:
    ///   - socket: libpq's. It closes it when the connection breaks, and then its number may become another's,
    ///     so the watch has a descriptor of its own for it.
    ///   - limit: how long the server may keep silent.
    init?(socket: CInt, limit: Duration) {
        let descriptor = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        state = Mutex(State(descriptor: descriptor))
        let (seconds, attoseconds) = (limit / Self.looksPerLimit).components
        interval = .nanoseconds(Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000))
        lookLater()
    }

    /// True once it has ended the connection.
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// Lets go of the socket. Belongs before its owner closes it, so that the server hears of that.
    func stop() {
        state.withLock { state in
            guard let descriptor = state.descriptor.take() else { return }
            close(descriptor)
        }
    }

    /// Carries out a call that waits for the server.
    func during<Result>(_ call: () -> Result) -> Result {
        // One thread at a time uses a connection, so nobody adds in between.
        steps.store(steps.load(ordering: .relaxed) + 1, ordering: .relaxed)
        defer { steps.store(steps.load(ordering: .relaxed) + 1, ordering: .relaxed) }
        return call()
    }

    private func lookLater() {
        Self.queue.asyncAfter(deadline: .now() + interval) { [weak self] in self?.look() }
    }

    private func look() {
        let steps = steps.load(ordering: .relaxed)
        let goesOn = state.withLock { state in
            let isSameCall = steps == state.steps && !steps.isMultiple(of: 2)
            state.looks = isSameCall ? state.looks + 1 : 0
            state.steps = steps
            guard let descriptor = state.descriptor else { return false }
            if state.looks < Self.looksPerLimit { return true }
            state.hasEnded = true
            shutdown(descriptor, CInt(SHUT_RDWR))
            return false
        }
        if goesOn { lookLater() }
    }
}
