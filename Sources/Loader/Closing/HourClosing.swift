import FoundationEssentials

/// Tells whether an hour is closed: whether the database has all that the topic had of it.
///
/// Rows that come later are late ones; the runs of the next two days look for those.
enum HourClosing: Equatable, Sendable {
    case closed
    /// The clock has not come to its end.
    case notOver
    /// These partitions have yet to pass its end.
    case behind([PartitionProgress])
    /// The database knows nothing of the topic. The consumer has not met it yet, or it has another name:
    /// nobody can say what is missing, so this is deliberately not "no partition is behind".
    case unknownTopic

    /// - Parameter current: the hour that the clock is in.
    init(of hour: ClockHour, _ progress: ConsumerProgress, current: ClockHour) {
        guard hour < current else {
            self = .notOver
            return
        }
        switch progress {
        case .unrecorded, .withoutTimes:
            // Nothing else is known, so the clock decides, and late rows are found by comparing.
            self = .closed
        case .partitions(let partitions):
            let behind = partitions.filter { ($0.reachedSeconds ?? .min) < hour.endSeconds }
            self = partitions.isEmpty ? .unknownTopic : behind.isEmpty ? .closed : .behind(behind)
        }
    }

    /// What is waited for, for people; nil when nothing is.
    func reason(for hour: ClockHour) -> String? {
        switch self {
        case .closed: nil
        case .notOver: "the hour is not over"
        case .unknownTopic: "kafka_offsets has no row of the topic; is KAFKA_TOPIC the consumer's?"
        case .behind(let partitions): behindText(partitions, hour)
        }
    }

    /// `2 partitions are behind its end: 3 by 12 min, 5 has no rows yet`
    private func behindText(_ partitions: [PartitionProgress], _ hour: ClockHour) -> String {
        let shown = partitions.prefix(8).map { partition in
            guard let reached = partition.reachedSeconds else { return "\(partition.partition) has no progress yet" }
            let seconds = hour.endSeconds - reached
            return "\(partition.partition) by \(seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min")"
        }
        let rest = partitions.count > shown.count ? " and others" : ""
        let count = partitions.count == 1 ? "1 partition is" : "\(partitions.count) partitions are"
        return "\(count) behind its end: \(shown.joined(separator: ", "))\(rest)"
    }
}

extension ClockHour {
    /// The first instant behind it, in seconds since 1970.
    var endSeconds: Int { (number + 1) * 3_600 }
}
