import FoundationEssentials

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
        number = daysSince1970(year: year, month: month, day: day) * 24 + hour
        // A day that the month does not have comes back as one of the next month.
        guard description == text.prefix(13) else { return nil }
    }

    var next: ClockHour { ClockHour(number: number + 1) }
    var previous: ClockHour { ClockHour(number: number - 1) }

    /// The first instant with an explicit zone, as Postgres and BigQuery both read it.
    var start: String { "\(self):00:00Z" }
}

extension ClockHour: Comparable {
    static func < (left: ClockHour, right: ClockHour) -> Bool { left.number < right.number }
}

extension ClockHour: CustomStringConvertible {
    /// `2026-01-01T05`
    var description: String { "\(dayText)T\(padded(number % 24, 2))" }

    /// `20260101T05`, for names that allow letters and digits only.
    var compact: String { String(description.filter { $0 != "-" }) }

    /// The proleptic Gregorian date of a day number, by eras of 400 years that start in March
    /// (Howard Hinnant, "chrono-compatible low-level date algorithms").
    private var dayText: String {
        let shifted = number / 24 + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}

/// The inverse of ``ClockHour/dayText``, of the same source.
private func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let era = year / 400
    let yearOfEra = year % 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
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
