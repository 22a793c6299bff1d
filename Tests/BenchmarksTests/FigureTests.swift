import Testing

@testable import Benchmarks

@Suite struct FigureTests {
    @Test("The middle of an odd and an even number of rounds, and of none")
    func median() {
        #expect([3.0, 1, 100].median == 3)
        #expect([4.0, 1, 2, 100].median == 3)
        #expect([Double]().median == 0)
    }

    @Test("A goal is reached at its bound, and not beyond it")
    func goals() {
        let figure = { (value: Double, unit: Figure.Unit, goal: Figure.Goal?) in
            Figure(id: "x", name: "x", value: value, unit: unit, limit: .init(name: "y", value: 10), goal: goal)
        }
        #expect(figure(100, .rowsPerSecond, .atLeast(100)).isReached == true)
        #expect(figure(99, .rowsPerSecond, .atLeast(100)).isReached == false)
        #expect(figure(40, .megabytes, .atMost(40)).isReached == true)
        #expect(figure(40.1, .megabytes, .atMost(40)).isReached == false)
        #expect(figure(8, .rowsPerSecond, .ratio(0.8)).isReached == true)
        #expect(figure(7.9, .rowsPerSecond, .ratio(0.8)).isReached == false)
        #expect(figure(8, .rowsPerSecond, nil).isReached == nil)
    }

    @Test("The table rounds no ratio up, and says NO where a goal is not reached")
    func rounding() {
        let figure = Figure(
            id: "x", name: "rows", value: 7_999, unit: .rowsPerSecond, limit: .init(name: "copy", value: 10_000),
            goal: .ratio(0.8))
        let row = table([figure]).split(separator: "\n").last.map(String.init) ?? ""
        #expect(row == "| rows   | 7,999 rows/s | copy: 10,000 rows/s   | 0.79  | 0.80 of the limit | NO      |")
    }

    @Test("A small ratio has a digit more, so that a third of it can be seen")
    func small() {
        let figure = Figure(
            id: "x", name: "rows", value: 137, unit: .rowsPerSecond, limit: .init(name: "copy", value: 10_000))
        #expect(table([figure]).contains("| 0.013 |"))
    }
}
