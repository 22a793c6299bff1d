import Dispatch
import Glibc
import Logging
import Runtime
import Synchronization

/// Runs `work` and cancels it on SIGTERM or SIGINT; the signal's number when one came.
///
/// A cancelled load has nothing to tidy up: whatever the ledger says at any moment is a state that the
/// next run continues from. So work that does not end by itself, since a thread waits for the database,
/// is left behind, and the process ends within five seconds; at once by a second signal.
func interruptible<Result: Sendable>(
    logger: Logger, leaving: Leaving = .interrupted, _ work: @escaping @Sendable () async throws -> Result
) async -> (result: Swift.Result<Result, any Error>, signal: Int32?) {
    let received = ReceivedSignal()
    let task = Task { try await work() }
    let sources = [SIGTERM, SIGINT].map { number in
        // The default action would end the process before the source sees the signal.
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            restoreSignals()
            received.number.withLock { $0 = number }
            logger.info("\(leaving.message)", metadata: ["signal": "\(number)"])
            task.cancel()
            DispatchQueue.global().asyncAfter(deadline: .now() + 3) { _exit(leaving.status(of: number)) }
        }
        source.resume()
        return source
    }
    let result = await task.result
    for source in sources { source.cancel() }
    return (result, received.number.withLock { $0 })
}

/// What a signal means to work that it ends.
enum Leaving {
    /// Something is left to do.
    case interrupted
    /// It has no other end.
    case asked

    fileprivate var message: String {
        switch self {
        case .interrupted: "interrupted, leaving; run again to go on"
        case .asked: "stopping"
        }
    }

    fileprivate func status(of signal: Int32) -> Int32 {
        switch self {
        case .interrupted: 128 + signal
        case .asked: 0
        }
    }
}

/// Shared by the signal handlers and whoever asks in the end.
private final class ReceivedSignal: Sendable {
    let number = Mutex<Int32?>(nil)
}
