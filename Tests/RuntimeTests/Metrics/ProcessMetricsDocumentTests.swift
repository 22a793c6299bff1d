import TestSupport
import Testing

@testable import Runtime

@Suite("docs/metrics.md tells the metrics of every service")
struct ProcessMetricsDocumentTests {
    @Test("Its table is the one that the code declares")
    func table() throws {
        let table = metricsTable(MetricRegistry([ProcessMetrics(service: "any")]).descriptions)
        let mistake = try GeneratedPage("metrics.md").mistake(in: "process", expecting: table)
        #expect(mistake == nil, "\(mistake ?? "")")
    }
}
