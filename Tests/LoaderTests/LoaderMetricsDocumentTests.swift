import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("docs/metrics.md tells the loader's metrics")
struct LoaderMetricsDocumentTests {
    @Test("Its table is the one that the code declares")
    func table() throws {
        let table = metricsTable(MetricRegistry([LoaderMetrics()]).descriptions)
        let mistake = try GeneratedPage("metrics.md").mistake(in: "loader", expecting: table)
        #expect(mistake == nil, "\(mistake ?? "")")
    }
}
