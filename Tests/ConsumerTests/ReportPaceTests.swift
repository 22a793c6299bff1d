import Testing

@testable import Consumer

@Suite("What the group is told of the progress")
struct ReportPaceTests {
    private let start = ContinuousClock.now

    /// At which of these milliseconds the group is told, when a batch is written before each.
    private func told(_ pace: inout ReportPace, _ milliseconds: some Sequence<Int>) -> [Int] {
        milliseconds.filter {
            pace.batchWritten()
            return pace.isDue(at: start + .milliseconds($0))
        }
    }

    @Test("It hears of the first batch at once, and of those behind it once a second")
    func pace() {
        var pace = ReportPace()
        #expect(told(&pace, stride(from: 0, through: 3_000, by: 5)) == [0, 1_000, 2_000, 3_000])
        #expect(told(&pace, [3_999, 9_000]) == [9_000])
    }

    @Test("It hears of the last batch, sooner or later, once, and of none that is not to be told any more")
    func last() {
        var pace = ReportPace()
        #expect(told(&pace, [0, 1]) == [0])
        let answers = [true, true].map { pace.isDue(at: start, isLast: $0) }
        #expect(answers == [true, false])
        #expect(told(&pace, [2]) == [])
        let later = [999, 1_000, 5_000].map { pace.isDue(at: start + .milliseconds($0)) }
        #expect(later == [false, true, false])
        #expect(told(&pace, [1_001]) == [])
        pace.forget()
        let forgotten = pace.isDue(at: start + .seconds(9), isLast: true)
        #expect(!forgotten)
    }
}
