import Dispatch
import Glibc
package import Logging
package import ServiceLifecycle
import UnixSignals

/// Runs `service` until it ends or SIGTERM or SIGINT asks it to.
///
/// It then has ``shutdownLimitMilliseconds`` to finish; a second signal, or the limit, ends the process at once,
/// which is no more than a power cut would do.
package func runUntilSignal(
    _ service: some Service, _ manager: ServiceManager = ServiceManager(), logger: Logger
) async throws {
    let group = ServiceGroup(
        configuration: .init(
            services: [
                .init(
                    service: WithDeadline(service: service, manager: manager, logger: logger),
                    successTerminationBehavior: .gracefullyShutdownGroup)
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger)))
    try await group.run()
}

/// Design: gone within 5 s of SIGTERM.
package let shutdownLimitMilliseconds = 4_500

private struct WithDeadline<Wrapped: Service>: Service {
    let service: Wrapped
    let manager: ServiceManager
    let logger: Logger

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await service.run()
        } onGracefulShutdown: {
            restoreSignals()
            logger.info("stopping")
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(shutdownLimitMilliseconds)) {
                logger.error("did not finish in time")
                _exit(ExitStatus.unavailable)
            }
            manager.tell(.stopping, .status("stopping"))
        }
    }
}

/// From here on SIGTERM and SIGINT mean what they mean to any program. To be called by Dispatch's handler of the
/// first one, so that a second one ends the process.
///
/// This thread takes them, since nobody else may: Dispatch's threads hold them back, and so does the main thread
/// until it is back from Dispatch's handler of the first one. A second one would wait, and be read as another
/// request to stop, which nobody heeds.
package func restoreSignals() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT] {
        signal(number, SIG_DFL)
        sigaddset(&signals, number)
    }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
}

/// The group's own lines are about its inner life.
private func quiet(_ logger: Logger) -> Logger {
    var logger = logger
    logger.logLevel = .error
    return logger
}

/// How a command ends when it fails: one line on standard error, and the exit code that says which kind.
package struct Failure: Error, CustomStringConvertible {
    package let status: Int32
    package let description: String

    package init(_ status: Int32, _ description: String) {
        self.status = status
        self.description = description
    }
}
