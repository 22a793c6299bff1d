import Runtime
import ServiceLifecycle

/// Runs the consumer's loop on a thread of its own.
struct ConsumerService: Service {
    let loop: ConsumerLoop

    func run() async throws {
        let thread = DedicatedThread(name: "consumer")
        try await withGracefulShutdownHandler {
            try await thread.run { try loop.run() }
        } onGracefulShutdown: {
            loop.stop()
        }
    }
}
