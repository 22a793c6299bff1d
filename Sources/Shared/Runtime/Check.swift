import Synchronization

/// A look at something that a service needs. It changes nothing.
package struct Check: Sendable {
    /// What is looked at, and where, for the case that the look takes too long.
    let subject: String
    let place: String
    let look: @Sendable (_ limit: Duration) async -> [Finding]

    /// - Parameter look: is given the time that it has. What goes on longer is left behind and told as unavailable.
    package init(_ subject: String, at place: String, _ look: @escaping @Sendable (Duration) async -> [Finding]) {
        self.subject = subject
        self.place = place
        self.look = look
    }

    /// Carries all of `checks` out at once; what they found, in their order, after `limit` at the latest.
    static func all(_ checks: [Check], within limit: Duration) async -> [Finding] {
        let (results, sink) = AsyncStream.makeStream(of: (index: Int, findings: [Finding])?.self)
        for (index, check) in checks.enumerated() {
            // A look may hang in a C library, which no cancellation reaches: it is not waited for.
            Task.detached { sink.yield((index, await check.look(limit * 0.8))) }
        }
        let timer = Task {
            try await Task.sleep(for: limit)
            sink.yield(nil)
        }
        defer { timer.cancel() }
        var found = [[Finding]?](repeating: nil, count: checks.count)
        for await result in results {
            guard let result else { break }
            found[result.index] = result.findings
            if found.allSatisfy({ $0 != nil }) { break }
        }
        return zip(checks, found).flatMap { check, findings in
            findings ?? [
                .unavailable(
                    check.subject, "\(check.place): no answer within \(limit)",
                    next: "Check the network and the host's name")
            ]
        }
    }
}

/// The exit code of a check that found this.
///
/// - Parameter toleratesOutage: for a service that waits for what is away: then that is no failure.
func exitStatus(of findings: [Finding], toleratingOutage toleratesOutage: Bool) -> Int32 {
    let failures = findings.compactMap { finding -> Int32? in
        if case .failed(let status) = finding.outcome { status } else { nil }
    }
    if failures.contains(ExitStatus.configuration) { return ExitStatus.configuration }
    return failures.isEmpty || toleratesOutage ? 0 : ExitStatus.unavailable
}
