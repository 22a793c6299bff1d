import Dispatch
package import Logging
import Synchronization

/// Tells the service manager again and again that the loops that do the work turn, and nothing when one of them
/// hangs: then the manager ends the process and starts another one.
///
/// It looks at what the loops say of themselves and takes no notice of anything else that lives in the process.
/// What a loop may wait for (a database that is away, a broker, a full spool) is its own heartbeat's limit;
/// `WatchdogSec=` comes on top of that and is for a process that stands still as a whole.
package final class Watchdog: Sendable {
    private let manager: ServiceManager
    private let stalls: @Sendable () -> [String]
    private let logger: Logger
    private let wasStalled = Atomic(false)
    private let queue = DispatchQueue(label: "watchdog")

    /// Looks this often within the manager's time, so that a busy machine can be late with some.
    private static let looksPerInterval = 4

    /// Looks again and again, if the manager asked for it, as long as this object lives.
    ///
    /// - Parameter stalls: which loops hang, for people; empty when all turn. Called on a thread of its own.
    package init(_ manager: ServiceManager, logger: Logger, stalls: @escaping @Sendable () -> [String]) {
        self.manager = manager
        self.stalls = stalls
        self.logger = logger
        lookLater()
    }

    private func lookLater() {
        guard let interval = manager.watchdogInterval else { return }
        let nanoseconds = Int(interval / .nanoseconds(Self.looksPerInterval))
        queue.asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { [weak self] in
            self?.look()
            self?.lookLater()
        }
    }

    /// Tells once that all is well, if it is.
    func look() {
        let stalls = stalls()
        if stalls.isEmpty { manager.tell(.alive) }
        // The log is what is left of the process when it was ended.
        guard wasStalled.exchange(!stalls.isEmpty, ordering: .relaxed) == stalls.isEmpty else { return }
        if stalls.isEmpty {
            logger.info("all loops turn again")
        } else {
            logger.error("a loop hangs: the watchdog is not fed", metadata: ["stalls": "\(stalls)"])
        }
    }
}
