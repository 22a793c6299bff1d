/// What the admin port answers to which question.
///
/// ```
/// /metrics   the numbers, for Prometheus
/// /healthz   200 while the loops that do the work turn: restart it when not
/// /readyz    200 while data flow, else 503 and the reasons
/// ```
package struct AdminPages: Sendable {
    private let registry: MetricRegistry
    private let health: Health

    package init(_ registry: MetricRegistry, _ health: Health) {
        self.registry = registry
        self.health = health
    }

    struct Answer: Equatable {
        let status: Int
        var contentType = "text/plain; charset=utf-8"
        let body: String
        /// The methods that are allowed, for an answer that says so.
        var allow: String?
    }

    private static let paths = ["/metrics", "/healthz", "/readyz"]

    /// - Parameter target: as the request's first line has it.
    func answer(method: String, target: String) -> Answer {
        let path = target.prefix { $0 != "?" }
        guard Self.paths.contains(String(path)) else {
            return Answer(status: 404, body: "There are \(Self.paths.joined(separator: ", ")).\n")
        }
        guard method == "GET" || method == "HEAD" else {
            return Answer(status: 405, body: "\(path) takes GET and HEAD.\n", allow: "GET, HEAD")
        }
        switch path {
        case "/metrics": return Answer(status: 200, contentType: MetricPage.contentType, body: registry.page())
        case "/healthz": return verdict(health.stalls())
        default: return verdict(health.notReady())
        }
    }

    private func verdict(_ reasons: [String]) -> Answer {
        reasons.isEmpty
            ? Answer(status: 200, body: "ok\n") : Answer(status: 503, body: reasons.map { "\($0)\n" }.joined())
    }
}
