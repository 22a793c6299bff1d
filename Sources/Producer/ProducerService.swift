import Glibc
import Logging
import Runtime
import ServiceLifecycle
import WebSocket

/// Runs the two threads of the producer, and ends them in order: first the socket, then what is on
/// its way to Kafka.
struct ProducerService: Service {
    let settings: ProducerSettings
    let loop: EventLoop
    let publisher: Publisher
    let logger: Logger

    func run() async throws {
        let socketThread = DedicatedThread(name: "socket")
        let deliveryThread = DedicatedThread(name: "deliveries")
        let waiting = try await withGracefulShutdownHandler {
            async let deliveries: Void = deliveryThread.run { publisher.runDeliveries { loop.wake() } }
            let waiting = try await socketThread.run {
                let feed = Feed(loop, settings, publisher, logger: logger)
                feed.run()
                return feed.waitingCount
            }
            publisher.finish()
            try await deliveries
            return waiting
        } onGracefulShutdown: {
            loop.stop()
        }
        let lost = publisher.failedCount + UInt64(waiting)
        logger.info(
            "stopped", metadata: ["frames.delivered": "\(publisher.deliveredCount)", "frames.lost": "\(lost)"])
        if lost > 0 { throw Failure(ExitStatus.unavailable, "\(lost) frames did not reach Kafka") }
    }
}

/// The wall clock: microseconds since 1970.
func microsecondsSince1970() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
}
