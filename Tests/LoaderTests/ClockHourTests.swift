import Foundation
import Testing

@testable import Loader

@Suite("Clock hours")
struct ClockHourTests {
    @Test(
        "An hour is read in each of its spellings",
        arguments: [
            "2026-01-01T05", "2026-01-01T05Z", "2026-01-01T05:00", "2026-01-01T05:00Z", "2026-01-01T05:00:00",
            "2026-01-01T05:00:00Z",
        ])
    func spellings(text: String) throws {
        let hour = try #require(ClockHour(text))
        #expect(hour.description == "2026-01-01T05")
        #expect(hour.start == "2026-01-01T05:00:00Z")
    }

    @Test(
        "What is not an hour in UTC is refused",
        arguments: [
            "", "2026-01-01", "2026-01-01T24", "2026-13-01T00", "2026-02-30T00", "2025-02-29T00", "2026-00-01T00",
            "2026-01-00T00", "2026-01-01T05:30", "2026-01-01T05:00:01Z", "2026-01-01T05+09:00", "2026-01-01 05",
            "2026-1-1T5", "1969-12-31T23", "２０２６-01-01T05", "2026-01-01T05ZZ", "2026-01-01T05;DROP",
        ])
    func refusals(text: String) {
        #expect(ClockHour(text) == nil)
    }

    @Test("Every hour of 140 years is written as it is read, and as Foundation has it")
    func calendar() throws {
        for number in stride(from: 0, to: 24 * 366 * 140, by: 7) {
            let hour = ClockHour(number: number)
            #expect(ClockHour(hour.description) == hour)
            let date = Date(timeIntervalSince1970: Double(number) * 3600)
            guard date.formatted(.iso8601) == hour.start else {
                Issue.record("\(hour) is not \(date.formatted(.iso8601))")
                return
            }
        }
    }

    @Test("An hour is half open: its last millisecond belongs to it, the next instant to the next")
    func halfOpen() throws {
        let hour = try #require(ClockHour("2026-01-01T05"))
        let start = Date(timeIntervalSince1970: Double(hour.number) * 3600)
        #expect(ClockHour(containing: start) == hour)
        #expect(ClockHour(containing: start.addingTimeInterval(3599.999)) == hour)
        #expect(ClockHour(containing: start.addingTimeInterval(3600)) == hour.next)
        #expect(ClockHour(containing: start.addingTimeInterval(-0.001)) == hour.advanced(by: -1))
    }
}
