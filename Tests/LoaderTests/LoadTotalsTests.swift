import Market
import Testing

@testable import Loader

@Suite("Sums")
struct LoadTotalsTests {
    private static let largest = Numeric(units: Numeric.unitLimit)

    @Test("Sums are exact to the last of nine decimals")
    func exact() throws {
        var running = RunningTotals()
        for _ in 0..<10 { running.add(price: try Numeric("0.1"), volume: try Numeric("0.000000001")) }
        #expect(running.totals == LoadTotals(rows: 10, price: try Numeric("1"), volume: try Numeric("0.00000001")))
    }

    @Test("What is taken back together leaves the sums of the others")
    func takenBack() throws {
        var running = RunningTotals()
        var refused = RunningTotals()
        for number in 1...4 {
            let price = try Numeric("\(number).5")
            let volume = try Numeric("-0.00000000\(number)")
            running.add(price: price, volume: volume)
            if number.isMultiple(of: 2) { refused.add(price: price, volume: volume) }
        }
        running.remove(refused)
        #expect(
            running.totals == LoadTotals(rows: 2, price: try Numeric("5"), volume: try Numeric("-0.000000004")))
    }

    @Test("A sum beyond NUMERIC is unknown, and then only the count is compared")
    func beyond() throws {
        var running = RunningTotals()
        let one = try Numeric("1")
        for _ in 0..<3 { running.add(price: Self.largest, volume: one) }
        #expect(running.totals.price == nil)
        #expect(running.totals.hasSums == false)
        #expect(running.totals.agrees(with: LoadTotals(rows: 3, price: nil, volume: try Numeric("3"))))
        #expect(!running.totals.agrees(with: LoadTotals(rows: 2, price: nil, volume: try Numeric("3"))))
    }

    @Test("A sum whose parts leave NUMERIC on the way is unknown, too: databases add in any order")
    func beyondOnTheWay() {
        var sum = ExactSum()
        sum.add(Self.largest)
        sum.add(Numeric(units: -Numeric.unitLimit))
        #expect(sum.value == nil)
    }

    @Test("Totals agree as decimals, whatever their text")
    func decimals() throws {
        let ours = LoadTotals(rows: 2, price: try Numeric("1.1"), volume: try Numeric("5e-07"))
        #expect(ours.agrees(with: try LoadTotals(row: ["2", "1.100", "0.0000005"])))
        #expect(!ours.agrees(with: try LoadTotals(row: ["2", "1.100000001", "0.0000005"])))
        #expect(!ours.agrees(with: try LoadTotals(row: ["3", "1.1", "0.0000005"])))
    }

    @Test("Sums over no rows are NULL and mean zero; a missing count is an error")
    func empty() throws {
        #expect(LoadTotals().agrees(with: try LoadTotals(row: ["0", nil, nil])))
        #expect(throws: BigQueryError.self) { try LoadTotals(row: []) }
        #expect(throws: BigQueryError.self) { try LoadTotals(row: [nil, nil, nil]) }
    }
}
