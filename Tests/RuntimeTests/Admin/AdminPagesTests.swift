import Synchronization
import Testing

@testable import Runtime

@Suite("The admin pages")
struct AdminPagesTests {
    private struct Group: MetricGroup {
        let rows = Counter("rows_total", "Rows.")
    }

    private func pages(_ obstacles: [String] = [], heartbeats: [Heartbeat] = []) -> AdminPages {
        AdminPages(MetricRegistry([Group()]), Health(heartbeats: heartbeats) { obstacles })
    }

    @Test("metrics are told as Prometheus reads them")
    func metrics() {
        let answer = pages().answer(method: "GET", target: "/metrics?name=x")
        #expect(answer.status == 200 && answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(answer.body == "# HELP rows_total Rows.\n# TYPE rows_total counter\nrows_total 0\n")
    }

    @Test("a service that waits is healthy and not ready, and says for what")
    func waiting() {
        let pages = pages(["the database is away", "no partition"])
        #expect(pages.answer(method: "GET", target: "/healthz") == .init(status: 200, body: "ok\n"))
        #expect(
            pages.answer(method: "GET", target: "/readyz")
                == .init(status: 503, body: "the database is away\nno partition\n"))
    }

    @Test("a loop that hangs is neither")
    func hanging() {
        let pages = pages(heartbeats: [Heartbeat("the loop", limit: .seconds(5), at: .now - .seconds(60))])
        for path in ["/healthz", "/readyz"] {
            let answer = pages.answer(method: "GET", target: path)
            #expect(answer.status == 503 && answer.body.hasPrefix("the loop has not turned for 6"))
        }
    }

    @Test("another path is told which there are", arguments: ["/", "/metric", "/metrics/", "*", "http://x/metrics"])
    func unknown(_ path: String) {
        #expect(
            pages().answer(method: "POST", target: path)
                == .init(status: 404, body: "There are /metrics, /healthz, /readyz.\n"))
    }

    @Test("nothing can be changed", arguments: ["POST", "PUT", "DELETE", "OPTIONS"])
    func methods(_ method: String) {
        #expect(
            pages().answer(method: method, target: "/readyz")
                == .init(status: 405, body: "/readyz takes GET and HEAD.\n", allow: "GET, HEAD"))
    }
}
