import Foundation
import TestSupport
import Testing

@testable import Benchmarks

@Suite struct RatioCheckTests {
    private func figure(_ id: String, _ value: Double, limit: Double?, unit: Figure.Unit = .rowsPerSecond) -> Figure {
        Figure(id: id, name: id, value: value, unit: unit, limit: limit.map { .init(name: "limit", value: $0) })
    }

    @Test("A ratio may become better, or worse by less than a third", arguments: [0.51, 0.75, 0.9])
    func close(ratio: Double) {
        let check = RatioCheck(committed: ["rows": 0.75])
        #expect(check.failures([figure("rows", ratio * 1_000, limit: 1_000)]).isEmpty)
    }

    @Test("A ratio that drops by a third or more fails", arguments: [0.5, 0.49, 0.01])
    func dropped(ratio: Double) throws {
        let failures = RatioCheck(committed: ["rows": 0.75]).failures([figure("rows", ratio * 1_000, limit: 1_000)])
        let failure = try #require(failures.first)
        #expect(failures.count == 1)
        #expect(failure == .init(id: "rows", committed: 0.75, kind: .dropped(measured: ratio)))
    }

    @Test("A slower machine changes no ratio, whichever end of a unit is the better one")
    func machine() {
        let check = RatioCheck(committed: ["rows": 0.5, "cpu": 0.5])
        let slow = [
            figure("rows", 5, limit: 10), figure("cpu", 2_000, limit: 1_000, unit: .microsecondsPerRow),
        ]
        #expect(check.failures(slow).isEmpty)
    }

    @Test("Processor time that grows by half, or twice, fails")
    func processorTime() {
        let check = RatioCheck(committed: ["cpu": 0.5])
        let used = { (value: Double) in [figure("cpu", value, limit: 4, unit: .microsecondsPerRow)] }
        #expect(check.failures(used(8)).isEmpty)
        #expect(check.failures(used(12.1)).count == 1)
        #expect(check.failures(used(16)).count == 1)
    }

    @Test("A figure that is not measured any more fails, and so does a new one")
    func otherFigures() {
        let check = RatioCheck(committed: ["gone": 0.5, "same": 0.5])
        let failures = check.failures([figure("same", 5, limit: 10), figure("new", 5, limit: 10)])
        #expect(
            failures == [
                .init(id: "gone", committed: 0.5, kind: .notMeasured),
                .init(id: "new", committed: nil, kind: .notCommitted),
            ])
    }

    @Test("What has no limit beside it is not compared")
    func absolute() {
        #expect(RatioCheck(committed: [:]).failures([figure("seconds", 5, limit: nil)]).isEmpty)
    }

    @Test("A figure beside a second limit is not compared")
    func secondLimit() {
        var second = figure("rows.second", 5, limit: 10)
        second.isCompared = false
        #expect(RatioCheck(committed: ["rows": 0.5]).failures([figure("rows", 5, limit: 10), second]).isEmpty)
    }

    @Test("A limit or a figure of zero is a failure and not a good ratio", arguments: [(0.0, 10.0), (10.0, 0.0)])
    func zero(value: Double, limit: Double) {
        #expect(RatioCheck(committed: ["rows": 0.5]).failures([figure("rows", value, limit: limit)]).count == 1)
    }

    @Test("A second measurement replaces the figures that it did better, and no others")
    func again() {
        let first = [figure("a", 5, limit: 10), figure("b", 5, limit: 10), figure("c", 5, limit: 10)]
        let second = [figure("a", 6, limit: 10), figure("b", 4, limit: 10)]
        #expect(merged(first, second).map(\.value) == [6, 5, 5])
    }

    @Test("Committed ratios are read as they were written")
    func file() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/ratios.json"
        try RatioCheck.renew([figure("rows", 1, limit: 3), figure("seconds", 1, limit: nil)], at: path)
        #expect(try RatioCheck(path: path).committed == ["rows": 0.3333])
    }

    @Test("A file that is not there stops the run")
    func noFile() throws {
        #expect(throws: SetupError.self) { try RatioCheck(path: "/nonexistent/ratios.json") }
    }
}
