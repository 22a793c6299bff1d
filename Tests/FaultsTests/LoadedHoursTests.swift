import Foundation
import Testing

@testable import Faults
@testable import TestSupport

@Suite struct LoadedHoursTests {
    private func exchange(_ endpoint: Endpoint, rows: Int = 0) -> FakeBigQuery.Exchange {
        .init(endpoint: endpoint, status: 200, rows: rows, query: [:], headers: [:])
    }

    @Test("A load that only looks changes nothing; one that stages rows or begins a job does")
    func changes() {
        let looks = [exchange(.token), exchange(.getTable), exchange(.query)]
        #expect(LoadedHours.changes(in: looks).isEmpty)
        #expect(LoadedHours.changes(in: looks + [exchange(.insertAll, rows: 3)]).count == 1)
        #expect(LoadedHours.changes(in: looks + [exchange(.createJob)]).count == 1)
    }

    @Test("A round's session is over, rolls over at midnight, and is young enough for a loader that is told no hour")
    func start() {
        for hour in 0..<48 {
            let now = Date(timeIntervalSince1970: 1_767_311_880 + Double(hour) * 3_600)
            let start = FaultRound.start(before: now)
            #expect((start + 120_000).isMultiple(of: 86_400_000))
            let age = now.timeIntervalSince1970 - Double(start) / 1_000
            #expect((13 * 3_600...40 * 3_600).contains(age))
        }
    }
}
