/// What a check found out about one thing that a service needs. One line.
package struct Finding: Equatable, Sendable {
    package enum Outcome: Equatable, Sendable {
        case works
        /// The service runs with it; somebody should know.
        case note
        /// The service does not get by without it. The exit code tells what a person must mend
        /// (``ExitStatus/configuration``) from what may pass by itself (``ExitStatus/unavailable``).
        case failed(Int32)
    }

    package let outcome: Outcome
    /// What was looked at: "Kafka", "database".
    package let subject: String
    /// Where it is, and how it is.
    package let detail: String
    /// What to do about it.
    package let next: String?

    package init(_ outcome: Outcome, _ subject: String, _ detail: String, next: String? = nil) {
        self.outcome = outcome
        self.subject = subject
        self.detail = detail
        self.next = next
    }

    package static func works(_ subject: String, _ detail: String) -> Finding { Finding(.works, subject, detail) }

    package static func note(_ subject: String, _ detail: String, next: String? = nil) -> Finding {
        Finding(.note, subject, detail, next: next)
    }

    /// It may work a moment later, without anybody doing anything here.
    package static func unavailable(_ subject: String, _ detail: String, next: String) -> Finding {
        Finding(.failed(ExitStatus.unavailable), subject, detail, next: next)
    }

    /// It does not work before a person changes a setting, a right or a table.
    package static func misconfigured(_ subject: String, _ detail: String, next: String? = nil) -> Finding {
        Finding(.failed(ExitStatus.configuration), subject, detail, next: next)
    }

    /// `FAILED  Kafka: localhost:9092: Connection refused. Start the broker, or set KAFKA_SERVERS`
    var line: String {
        let mark =
            switch outcome {
            case .works: "ok     "
            case .note: "note   "
            case .failed: "FAILED "
            }
        return oneLine("\(mark) \(subject): \(detail)\(next.map { ". \($0)" } ?? "")")
    }
}
