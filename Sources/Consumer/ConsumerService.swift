import Logging
import Runtime
import ServiceLifecycle

/// Runs the consumer's loop on a thread of its own.
struct ConsumerService: Service {
    let loop: ConsumerLoop
    let admin: AdminServer
    let health: Health
    let manager: ServiceManager
    let logger: Logger

    func run() async throws { try await admin.serving { try await work() } }

    private func work() async throws {
        let thread = DedicatedThread(name: "consumer")
        let watchdog = Watchdog(manager, logger: logger) { [health] in health.stalls() }
        defer { withExtendedLifetime(watchdog) {} }
        try await withGracefulShutdownHandler {
            try await thread.run { try loop.run() }
        } onGracefulShutdown: {
            loop.stop()
        }
    }
}
