import FoundationEssentials
import Logging
import Runtime

/// `loader --schedule`: one run after the other, for as long as it may.
struct ScheduledRuns: Sendable {
    let delay: Duration
    let logger: Logger
    var now: @Sendable () -> Date = { .now }
    var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// Runs until its task is cancelled, and throws what it finds then. A run that fails is told and does not
    /// end it: nobody watches, and the next one makes up for it.
    ///
    /// - Parameter load: a run for the hours before the one that it is given; the number of rejected rows.
    func run(_ load: (ClockHour) async throws -> Int) async throws -> Never {
        var schedule = HourlySchedule(delay: delay)
        while true {
            switch schedule.step(at: now()) {
            case .wait(let duration): try await sleep(duration)
            case .run(let current):
                schedule.began(current)
                do {
                    tell(rejectedRows: try await load(current))
                    schedule.succeeded()
                } catch {
                    try Task.checkCancellation()
                    schedule.failed(at: now())
                    tell(error)
                }
                logger.info(
                    "waiting for the next hour", metadata: ["next.run": "\(schedule.nextRun.formatted(.iso8601))"])
            }
        }
    }

    private func tell(rejectedRows: Int) {
        guard let failure = failure(of: .success(rejectedRows), signal: nil) else { return }
        logger.warning("\(failure.description)")
    }

    private func tell(_ error: any Error) {
        guard let failure = failure(of: .failure(error), signal: nil) else { return }
        logger.error(
            "a run failed, trying again later",
            metadata: ["error.message": "\(failure.description)", "exit.status": "\(failure.status)"])
    }
}
