import Foundation

/// A port that is kept free for one service's admin server, and questions to it.
package final class AdminPort: Sendable {
    package let port: Int
    private let reservation: PortReservation

    package init() throws {
        reservation = try PortReservation()
        port = reservation.port
    }

    /// What the service has to be told.
    package var settings: [String: String] { ["ADMIN_PORT": "\(port)"] }

    package struct Answer: Sendable {
        package let status: Int
        /// Names in lower case.
        package let headers: [String: String]
        package let body: String

        /// - Parameter text: a whole response, as it came.
        package init(_ text: String) throws {
            let parts = text.replacing("\r\n", with: "\n").split(
                separator: "\n\n", maxSplits: 1, omittingEmptySubsequences: false)
            let lines = parts[0].split(separator: "\n")
            guard parts.count == 2, let first = lines.first?.split(separator: " "), first.count >= 2,
                let status = Int(first[1])
            else { throw SetupError("not an answer: '\(text.prefix(200))'") }
            self.status = status
            headers = Dictionary(
                lines.dropFirst().map { line in
                    let pair = line.split(separator: ":", maxSplits: 1)
                    return (pair[0].lowercased(), pair.count == 2 ? pair[1].trimmingCharacters(in: .whitespaces) : "")
                }
            ) { _, last in last }
            body = String(parts[1])
        }
    }

    /// Asks for `path`.
    package func ask(_ path: String, method: String = "GET") async throws -> Answer {
        let client = try RawClient(port: port)
        try await client.send("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return try Answer(try await client.readToEnd())
    }

    /// The samples of `/metrics`, by name and labels as the page spells them.
    package func metrics() async throws -> [String: Double] {
        let lines = try await ask("/metrics").body.split(separator: "\n").filter { !$0.hasPrefix("#") }
        return lines.reduce(into: [:]) { samples, line in
            guard let space = line.lastIndex(of: " ") else { return }
            samples[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
    }

    /// Returns once `/readyz` answers `status`, with `text` in its body.
    package func waitUntilReady(
        _ status: Int, _ text: String = "", within limit: Duration = .seconds(60)
    ) async throws {
        try await wait("/readyz to answer \(status) '\(text)'", within: limit) {
            let answer = try await self.ask("/readyz")
            return (
                answer.status == status && (text.isEmpty || answer.body.contains(text)),
                "\(answer.status) '\(answer.body)'"
            )
        }
    }

    /// Returns once the metric has a value that `matches`.
    package func wait(
        for metric: String, within limit: Duration = .seconds(60), _ matches: @escaping @Sendable (Double) -> Bool
    ) async throws {
        try await wait("the metric \(metric)", within: limit) {
            let value = try await self.metrics()[metric]
            return (value.map(matches) ?? false, value.map { "\($0)" } ?? "none")
        }
    }

    /// Asks again and again: what a process thinks of itself is no event that a test could wait for.
    private func wait(
        _ what: String, within limit: Duration, _ look: () async throws -> (isDone: Bool, state: String)
    ) async throws {
        let deadline = ContinuousClock.now + limit
        var last = "no answer"
        while ContinuousClock.now < deadline {
            if let (isDone, state) = try? await look() {
                if isDone { return }
                last = state
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw SetupError("waited in vain for \(what): \(last) after \(limit)")
    }
}
