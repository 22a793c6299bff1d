import Foundation
import TestSupport
import Testing

@testable import Loader

@Suite("The loader's admin port", .timeLimit(.minutes(3)))
struct LoaderAdminTests {
    /// Stops at a request until it is let go on.
    private final class Barrier: Sendable {
        private let reached = EventLog<Bool>()
        private let opened = EventLog<Bool>()

        func stop() async {
            reached.append(true)
            _ = try? await opened.first(within: .seconds(120), "the barrier to open") { _ in true }
        }

        func waitUntilReached() async throws {
            _ = try await reached.first(within: .seconds(60), "a request") { _ in true }
        }

        func open() { opened.append(true) }
    }

    @Test("It counts what becomes of hours and rows, in numbers that Prometheus takes")
    func metrics() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(296)
            try await rig.execute("INSERT INTO trade_data VALUES ('2026-01-01T05:30:00Z', 'A', NULL, 1)")
            try await rig.addTrades(1, to: LoadRig.hour.next)
            let port = try AdminPort()
            rig.variables.merge(port.settings) { $1 }
            rig.fake.inject(.unavailable, on: .insertAll)
            // The second hour's rows wait, so the first one is done.
            let barrier = Barrier()
            rig.fake.watch { moment in
                if moment.endpoint == .createJob, moment.phase == .arrived { await barrier.stop() }
            }
            let loader = try ChildProcess(
                BuiltProduct.path("loader"), ["--from", "2026-01-01T05", "--to", "2026-01-01T07"],
                environment: rig.variables)
            try await barrier.waitUntilReached()
            let during = try await port.metrics()
            #expect(during["ticker_loader_loads_pending"] == 2)
            #expect(during["ticker_loader_rows_read_total"] == 301)
            #expect(during["ticker_loader_rows_rejected_total"] == 1)
            #expect(during["ticker_loader_rows_published_total"] == 0)
            #expect(during[#"ticker_loader_retries_total{class="transient"}"#] == 1)
            #expect(during["ticker_loader_mismatches_total"] == 0)
            let requests = rig.fake.exchanges.count
            let timed = try #require(during["ticker_loader_request_duration_seconds_count"])
            #expect(timed > 3 && Int(timed) <= requests)
            try await port.waitUntilReady(200)
            try await PrometheusBinaries.check(metrics: try await port.ask("/metrics").body)
            let prometheus = try PrometheusServer(scraping: ["loader": port.port])
            try await prometheus.wait(for: #"ticker_loader_rows_read_total{job="loader"}"#) { $0 == 301 }
            try await prometheus.stop()
            barrier.open()
            #expect(try await loader.exitStatus(within: .seconds(60)) == .code(65))
        }
    }

    @Test("It is ready while database and warehouse answer")
    func readiness() async throws {
        try await LoadRig.with { rig in
            try await rig.addTrades(10)
            let port = try AdminPort()
            rig.variables.merge(port.settings) { $1 }
            rig.fake.inject(.unavailable, on: .insertAll, times: 6)
            let loader = try ChildProcess(
                BuiltProduct.path("loader"), ["--hour", LoadRig.hour.description], environment: rig.variables)
            try await rig.request(.insertAll)
            try await port.waitUntilReady(503, "the warehouse did not answer at the last look")
            let barrier = Barrier()
            rig.fake.watch { moment in
                if moment.endpoint == .createJob, moment.phase == .arrived { await barrier.stop() }
            }
            try await barrier.waitUntilReached()
            #expect(try await port.ask("/readyz").status == 200)
            #expect(try await port.ask("/healthz").status == 200)
            barrier.open()
            #expect(try await loader.exitStatus(within: .seconds(60)) == .code(0))
        }
    }
}
