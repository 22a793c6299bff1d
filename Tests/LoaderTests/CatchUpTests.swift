import Market
import Testing

@testable import Loader

@Suite("What a run without arguments loads")
struct CatchUpTests {
    private let hours = LoadRig.hour..<LoadRig.hour.advanced(by: 4)
    private let rows = SourceTotals(fitting: LoadTotals(rows: 5, price: Numeric(units: 7), volume: nil), unfitRows: 2)

    /// The plan for the first hour alone: the others have no rows, and the last is due by itself.
    private func isDue(
        _ source: SourceTotals?, _ remembered: RememberedHour?, isClosed: Bool = true
    ) -> Bool {
        let first = hours.lowerBound
        let plan = CatchUp(
            of: hours, source: source.map { [first: $0] } ?? [:], ledger: remembered.map { [first: $0] } ?? [:]
        ) { _ in isClosed }
        #expect(plan.due.last == hours.last)
        return plan.due.first == first
    }

    private func published(_ source: SourceTotals, isProvisional: Bool = false) -> RememberedHour {
        RememberedHour(isPublished: true, isProvisional: isProvisional, source: source)
    }

    @Test("An hour that is not in the ledger is due when it has rows")
    func missing() {
        #expect(isDue(rows, nil))
        #expect(isDue(SourceTotals(fitting: LoadTotals(), unfitRows: 1), nil))
        #expect(!isDue(nil, nil))
    }

    @Test("A load that did not come to its end is due, also when the hour has no rows")
    func unfinished() {
        #expect(isDue(nil, RememberedHour(isPublished: false, isProvisional: false, source: SourceTotals())))
    }

    @Test("A published hour is due when a count or a sum is another, and only then")
    func changed() {
        #expect(!isDue(rows, published(rows)))
        #expect(!isDue(nil, published(SourceTotals())))
        var other = rows
        other.fitting.rows += 1
        #expect(isDue(other, published(rows)))
        other = rows
        other.unfitRows -= 1
        #expect(isDue(other, published(rows)))
        other = rows
        other.fitting.price = Numeric(units: 8)
        #expect(isDue(other, published(rows)))
        #expect(isDue(nil, published(rows)))
    }

    @Test("A provisional hour is due once it is closed, or when it changed")
    func provisional() {
        let early = published(rows, isProvisional: true)
        #expect(isDue(rows, early))
        #expect(!isDue(rows, early, isClosed: false))
        #expect(isDue(SourceTotals(), early, isClosed: false))
    }

    @Test("The last hour is always due; due hours are oldest first, and the rest is counted")
    func order() {
        let source = [hours.lowerBound: rows, hours.lowerBound.advanced(by: 2): rows]
        let known = [hours.lowerBound.next, hours.lowerBound.advanced(by: 3)].map { ($0, published(SourceTotals())) }
        let plan = CatchUp(of: hours, source: source, ledger: Dictionary(uniqueKeysWithValues: known)) { _ in true }
        #expect(plan.due == [0, 2, 3].map { hours.lowerBound.advanced(by: $0) })
        #expect(plan.unchanged == 1)
    }
}
