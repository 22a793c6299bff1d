import Runtime
import TestSupport
import Testing

@testable import Producer

@Suite("docs/metrics.md tells the producer's metrics")
struct ProducerMetricsDocumentTests {
    @Test("Its table is the one that the code declares")
    func table() throws {
        let table = metricsTable(MetricRegistry([ProducerMetrics()]).descriptions)
        let mistake = try GeneratedPage("metrics.md").mistake(in: "producer", expecting: table)
        #expect(mistake == nil, "\(mistake ?? "")")
    }
}
