import Glibc
import Logging
import Runtime
import ServiceLifecycle

/// Runs the two threads of the producer, and ends them in order: first the socket, then what is on
/// its way to Kafka.
struct ProducerService: Service {
    let feed: Feed
    let publisher: Publisher
    let logger: Logger

    func run() async throws {
        let socketThread = DedicatedThread(name: "socket")
        let deliveryThread = DedicatedThread(name: "deliveries")
        let waiting = try await withGracefulShutdownHandler {
            async let deliveries: Void = deliveryThread.run {
                publisher.runDeliveries(onRoom: { feed.wake() }, onFailure: { feed.stop() })
            }
            let waiting: Result<Int, any Error>
            do {
                waiting = .success(try await socketThread.run { try feed.run() })
            } catch {
                waiting = .failure(error)
            }
            try await socketThread.run { publisher.finish(withinMilliseconds: Self.deliveryLimitMilliseconds) }
            try await deliveries
            return try waiting.get()
        } onGracefulShutdown: {
            feed.stop()
        }
        let lost = publisher.undeliveredCount + waiting
        logger.info(
            "stopped", metadata: ["frames.delivered": "\(publisher.deliveredCount)", "frames.lost": "\(lost)"])
        if let failure = publisher.failure {
            throw Failure(
                ExitStatus.unavailable, "Kafka takes no more frames: \(failure); \(lost) frames did not reach it")
        }
        if lost > 0 { throw Failure(ExitStatus.unavailable, "\(lost) frames did not reach Kafka") }
    }

    /// With what the feed may take, within the limit of a stop.
    private static let deliveryLimitMilliseconds = 2_000
}

/// The wall clock: microseconds since 1970.
func microsecondsSince1970() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
}
