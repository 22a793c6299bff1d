import FoundationEssentials
import Logging

extension HourLoader {
    /// Loads `hour` once it is closed, or provisionally when `watch` does not wait any longer.
    func load(_ hour: ClockHour, waiting watch: inout ClosingWatch) async throws -> HourReport {
        // In this order: what is in the database when the hour is closed is in the snapshot that is read.
        let isClosed = try await waitUntilClosed(hour, &watch)
        return try await load(hour, isClosed: isClosed)
    }

    /// Says once that hours cannot be told to be closed.
    func warnOfOlderConsumer() async throws {
        guard try await ledger.consumerProgress(topic: topic) == .withoutTimes else { return }
        logger.warning(
            "kafka_offsets tells no times: the clock alone closes an hour. A newer consumer adds them when it starts")
    }

    /// False when the wait is over before the hour is closed.
    private func waitUntilClosed(_ hour: ClockHour, _ watch: inout ClosingWatch) async throws -> Bool {
        var hasTold = false
        while true {
            let progress = try await ledger.consumerProgress(topic: topic)
            let closing = HourClosing(of: hour, progress, current: ClockHour(containing: .now))
            switch watch.step(closing, of: hour) {
            case .closed:
                return true
            case .giveUp(let reason):
                logger.warning(
                    "the hour is not closed, loading what is there as provisional",
                    metadata: ["hour": "\(hour)", "kafka.topic": "\(topic)", "reason": "\(reason)"])
                return false
            case .wait(let duration, let reason):
                if !hasTold {
                    logger.info(
                        "waiting for the hour to be closed",
                        metadata: [
                            "hour": "\(hour)", "kafka.topic": "\(topic)", "reason": "\(reason)",
                            "close.timeout": "\(closeTimeout)",
                        ])
                }
                hasTold = true
                // What the consumer commits is no event here, so the database is asked again, a bounded
                // number of times.
                try await Task.sleep(for: duration)
            }
        }
    }
}
