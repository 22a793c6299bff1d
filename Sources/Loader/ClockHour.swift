import FoundationEssentials
import Market

/// One clock hour in UTC, half open: from its first instant up to, and without, that of the next.
struct ClockHour: Hashable, Sendable {
    /// Hours since 1970-01-01T00.
    let number: Int

    init(number: Int) { self.number = number }

    init(containing date: Date) { number = Int((date.timeIntervalSince1970 / 3600).rounded(.down)) }

    /// Reads `2026-01-01T05`, also with minutes and seconds, which must be zero, and with a `Z`.
    ///
    /// Other zones are not accepted: an hour that is written in two ways is loaded twice one day.
    init?(_ text: String) {
        var rest = Substring(text)
        guard let year = rest.takeNumber(digits: 4), rest.take("-"),
            let month = rest.takeNumber(digits: 2), rest.take("-"),
            let day = rest.takeNumber(digits: 2), rest.take("T"),
            let hour = rest.takeNumber(digits: 2), year >= 1970, (1...12).contains(month), hour < 24
        else { return nil }
        if rest.take(":00") { _ = rest.take(":00") }
        _ = rest.take("Z")
        guard rest.isEmpty else { return nil }
        number = CivilDate(year: year, month: month, day: day).daysSince1970 * 24 + hour
        // A day that the month does not have comes back as one of the next month.
        guard description == text.prefix(13) else { return nil }
    }

    var next: ClockHour { ClockHour(number: number + 1) }

    /// The first instant with an explicit zone, as Postgres and BigQuery both read it.
    var start: String { "\(self):00:00Z" }
}

extension ClockHour: Strideable {
    func distance(to other: ClockHour) -> Int { other.number - number }
    func advanced(by hours: Int) -> ClockHour { ClockHour(number: number + hours) }
}

extension ClockHour: CustomStringConvertible {
    /// `2026-01-01T05`
    var description: String { "\(dayText)T\(padded(number % 24, 2))" }

    /// `20260101T05`, for names that allow letters and digits only.
    var compact: String { String(description.filter { $0 != "-" }) }

    private var dayText: String {
        var bytes: [UInt8] = []
        CivilDate(daysSince1970: number / 24).append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension Substring {
    fileprivate mutating func take(_ text: String) -> Bool {
        guard hasPrefix(text) else { return false }
        removeFirst(text.count)
        return true
    }

    fileprivate mutating func takeNumber(digits count: Int) -> Int? {
        let digits = prefix(count)
        guard digits.count == count, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        removeFirst(count)
        return Int(digits)
    }
}
