import Foundation
import Testing

@testable import Consumer

@Suite("Milliseconds become a timestamp with its zone")
struct TimestampTextTests {
    @Test(
        "Known moments are written to the millisecond",
        arguments: [
            (946_684_800_000, "2000-01-01 00:00:00.000+00"), (951_782_400_001, "2000-02-29 00:00:00.001+00"),
            (1_735_689_599_999, "2024-12-31 23:59:59.999+00"), (1_735_689_600_000, "2025-01-01 00:00:00.000+00"),
            (4_102_444_799_999, "2099-12-31 23:59:59.999+00"),
        ] as [(Int64, String)])
    func known(_ milliseconds: Int64, _ expected: String) {
        #expect(text(milliseconds) == expected)
    }

    @Test("Every day from 2000 to 2099 has the date that Foundation gives it")
    func everyDay() {
        let style = Date.ISO8601FormatStyle().year().month().day().time(includingFractionalSeconds: false)
            .dateTimeSeparator(.space)
        var writer = TimestampText()
        for day in 10_957..<47_482 {
            var bytes: [UInt8] = []
            writer.append(Int64(day) * 86_400_000 + 45_296_000, to: &bytes)
            let expected = Date(timeIntervalSince1970: Double(day) * 86_400 + 45_296).formatted(style)
            guard String(decoding: bytes, as: UTF8.self) == expected + ".000+00" else {
                Issue.record("\(String(decoding: bytes, as: UTF8.self)) is not \(expected)")
                return
            }
        }
    }

    private func text(_ milliseconds: Int64) -> String {
        var writer = TimestampText()
        var bytes: [UInt8] = []
        writer.append(milliseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
