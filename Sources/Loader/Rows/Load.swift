import FoundationEssentials

/// One attempt to bring one hour into the warehouse.
struct Load: Equatable, Sendable {
    let hour: ClockHour
    /// Never used twice: staged rows of an attempt that died must not be counted by the next.
    let id: String
    /// RFC 3339, whole seconds. It is the partition column of the staging table: all rows of a load
    /// are in one partition, and the queries read that one only.
    let startedAt: String
    /// True when the hour was not closed when the load began, so that it may not see all of its rows.
    let isProvisional: Bool

    init(hour: ClockHour, id: String, startedAt: String, isProvisional: Bool = false) {
        self.hour = hour
        self.id = id
        self.startedAt = startedAt
        self.isProvisional = isProvisional
    }

    init(hour: ClockHour, isProvisional: Bool = false, at now: Date = .now) {
        let second = Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down))
        let random = String(UInt64.random(in: .min ... .max), radix: 36)
        self.init(
            hour: hour, id: "\(hour.compact)-\(Int(second.timeIntervalSince1970))-\(random)",
            startedAt: second.formatted(.iso8601), isProvisional: isProvisional)
    }

    /// The name of the job that publishes it. A job that failed cannot run again under its name.
    func jobID(attempt: Int) -> String { "loader-\(id)-\(attempt)" }
}
