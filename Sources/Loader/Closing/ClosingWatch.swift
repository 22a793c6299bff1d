/// Decides how long a run waits for its hours to be closed. It counts the waits, and looks at no clock.
///
/// The limit is for all hours of a run together: a consumer that is away keeps every hour open, and a
/// range of hours must not wait for each of them.
struct ClosingWatch: Equatable, Sendable {
    enum Step: Equatable, Sendable {
        case closed
        /// Look again after this time.
        case wait(Duration, reason: String)
        /// Load what is there; more may come.
        case giveUp(reason: String)
    }

    private var left: Duration

    /// Between two looks at the database.
    static let interval = Duration.seconds(1)

    init(limit: Duration) { left = limit }

    mutating func step(_ closing: HourClosing, of hour: ClockHour) -> Step {
        guard let reason = closing.reason(for: hour) else { return .closed }
        // Whoever asks for an hour that goes on wants it now, not in an hour.
        guard closing != .notOver, left > .zero else { return .giveUp(reason: reason) }
        let wait = min(left, Self.interval)
        left -= wait
        return .wait(wait, reason: reason)
    }
}
