import Glibc
import Logging
import Runtime
import ServiceLifecycle

/// Runs the three threads of the producer, and ends them in order: first the socket, then what is on
/// its way to Kafka, then the spool.
struct ProducerService: Service {
    let feed: Feed
    let deliveries: Deliveries
    let keeper: SpoolKeeper
    let metrics: ProducerMetrics
    let admin: AdminServer
    let health: Health
    let manager: ServiceManager
    let logger: Logger

    func run() async throws { try await admin.serving { try await work() } }

    private func work() async throws {
        let socketThread = DedicatedThread(name: "socket")
        let deliveryThread = DedicatedThread(name: "deliveries")
        let keeperThread = DedicatedThread(name: "spool")
        let watchdog = Watchdog(manager, logger: logger) { [health] in health.stalls() }
        defer { withExtendedLifetime(watchdog) {} }
        let spooled = try await withGracefulShutdownHandler {
            async let delivering: Void = deliveryThread.run { deliveries.run { feed.wake() } }
            async let keeping: Void = keeperThread.run { keeper.run() }
            // Whatever ends the feed, the others are waited for.
            let outcome = try await socketThread.run {
                // The spool is open and the threads run. Nothing is connected yet: where exchange or Kafka is away
                // the start has to succeed all the same, since it is then that the spool is needed.
                manager.tell(.ready, .status("connecting"))
                let outcome = Result { try feed.run() }
                feed.finish(withinMilliseconds: Self.deliveryLimitMilliseconds)
                return outcome
            }
            try await delivering
            keeper.stop()
            try await keeping
            try outcome.get()
            return feed.spooledCount
        } onGracefulShutdown: {
            feed.stop()
        }
        logger.info(
            "stopped",
            metadata: ["frames.delivered": "\(metrics.framesDelivered.value)", "frames.spooled": "\(spooled)"])
    }

    /// With what the feed may take, within the limit of a stop.
    private static let deliveryLimitMilliseconds = 2_000
}
