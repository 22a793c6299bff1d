import Testing

@testable import Loader

@Suite("Hours before those that a run looks back on")
struct OlderHoursTests {
    private let first = LoadRig.hour

    private func hour(_ offset: Int) -> ClockHour { first.advanced(by: offset) }

    private func unfinished(_ offset: Int, isPublished: Bool) -> OlderHours.Unfinished {
        OlderHours.Unfinished(hour: hour(offset), isPublished: isPublished)
    }

    @Test("What was not loaded for good is due however old it is, a provisional hour once it is closed")
    func unfinishedHours() {
        let older = OlderHours(
            unfinished: [unfinished(0, isPublished: true), unfinished(1, isPublished: false)],
            missed: [hour(4), hour(1)], firstInSource: first)
        #expect(older.due { _ in true } == [hour(0), hour(1), hour(4)])
        #expect(older.due { _ in false } == [hour(1), hour(4)])
        #expect(older.dropped.isEmpty)
    }

    @Test("An hour of which the source has no rows any more is not due, and is told of")
    func dropped() {
        var older = OlderHours(
            unfinished: [unfinished(0, isPublished: true), unfinished(1, isPublished: false)], firstInSource: hour(1))
        #expect(older.due { _ in true } == [hour(1)])
        #expect(older.dropped == [hour(0)])
        older.firstInSource = nil
        #expect(older.due { _ in true } == [] && older.dropped == [hour(0), hour(1)])
    }

    @Test("Rows from before the first loaded hour, or from before a first run's hours, have to be asked for")
    func unasked() {
        let lookback = hour(9)
        #expect(OlderHours(firstInSource: first).unasked(before: lookback) == first..<lookback)
        #expect(OlderHours(firstInLedger: hour(3), firstInSource: first).unasked(before: lookback) == first..<hour(3))
        #expect(OlderHours(firstInLedger: first, firstInSource: first).unasked(before: lookback) == nil)
        #expect(OlderHours(firstInLedger: hour(12), firstInSource: lookback).unasked(before: lookback) == nil)
        #expect(OlderHours().unasked(before: lookback) == nil)
    }
}
