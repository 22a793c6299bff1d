import Runtime
import TestSupport
import Testing

@testable import Consumer

@Suite("docs/metrics.md tells the consumer's metrics")
struct ConsumerMetricsDocumentTests {
    @Test("Its table is the one that the code declares")
    func table() throws {
        let table = metricsTable(MetricRegistry([ConsumerMetrics()]).descriptions)
        let mistake = try GeneratedPage("metrics.md").mistake(in: "consumer", expecting: table)
        #expect(mistake == nil, "\(mistake ?? "")")
    }
}
