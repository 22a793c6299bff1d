import TestSupport
import Testing

@testable import Faults

@Suite struct OutageReportTests {
    @Test("A limit that is kept stands beside its figure and is no difference")
    func kept() {
        var report = OutageReport()
        report.add("noticed", .seconds(9), limit: .seconds(10))
        report.add("rows", 5, expected: 5)
        #expect(report.differences.isEmpty)
        #expect(
            report.table == """
                noticed  9.00 s  at most 10.00 s: kept
                rows     5       5: kept
                """)
    }

    @Test("A limit that is not kept is a difference")
    func notKept() {
        var report = OutageReport()
        report.add("noticed", .seconds(11), limit: .seconds(10))
        report.add("rows", 4, expected: 5)
        #expect(report.differences == ["noticed: 11.00 s, not at most 10.00 s", "rows: 4, not 5"])
        #expect(report.table.contains("NOT KEPT"))
    }

    @Test("A limit that a short outage cannot tell is neither: it was not measured")
    func notMeasured() {
        var report = OutageReport()
        report.add("drained", "3 times", limit: "at least 20 times", isKept: nil)
        #expect(report.differences.isEmpty)
        #expect(report.table == "drained  3 times  at least 20 times: NOT MEASURED")
    }

    @Test("A service that was started twice, or ended by itself, has not stood the outage")
    func services() {
        var report = OutageReport()
        let keeper = ServiceKeeper("consumer", logFolder: "/nonexistent") { throw CancellationError() }
        keeper.state.update { $0.starts = 1 }
        report.add(servicesOf: [keeper])
        #expect(report.differences.isEmpty)
        keeper.state.update { $0.starts = 2 }
        report.add(servicesOf: [keeper])
        #expect(report.differences == ["starts of consumer: 2, not 1"])
    }
}
