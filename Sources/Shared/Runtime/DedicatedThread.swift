import Dispatch

/// A thread of its own for a C library whose calls block, usable as an actor's executor.
///
/// Swift's cooperative threads are as many as the machine has cores; one blocked in libpq or
/// librdkafka is one less for everything else. A serial dispatch queue runs its work one after the
/// other on a thread outside of that pool.
package final class DedicatedThread: SerialExecutor {
    private let queue: DispatchQueue

    package init(name: String) { queue = DispatchQueue(label: name) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Runs `work`, which may block for as long as it likes, and waits for its end without blocking.
    package func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try work() }) }
        }
    }
}
