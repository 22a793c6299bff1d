/// BigQuery's `TIMESTAMP` as text: microseconds since 1970, UTC, in the years 1 to 9999.
enum TimestampText {
    private static let secondLimits: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// Reads `2026-01-01T05:00:00.123456Z`, `2026-01-01 05:00:00+00`, `2026-01-01 05:00:00 UTC` or a bare
    /// number, which is *seconds*; nil for anything else, such as more than 6 decimals.
    static func microseconds(_ text: String) -> Int64? {
        var rest = Substring(text).utf8
        let micros = text.utf8.dropFirst().contains(UInt8(ascii: "-")) ? calendar(&rest) : seconds(&rest)
        guard let micros, rest.isEmpty, secondLimits.contains(floorDivide(micros, 1_000_000).quotient) else {
            return nil
        }
        return micros
    }

    /// As PostgreSQL reads it: `2026-01-01 05:00:00.123456+00`.
    static func postgres(_ microseconds: Int64) -> String {
        let (seconds, micros) = floorDivide(microseconds, 1_000_000)
        let (days, second) = floorDivide(seconds, 86_400)
        let date = civil(days)
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2)) "
            + "\(padded(second / 3_600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
            + ".\(padded(micros, 6))+00"
    }

    /// Seconds in the notation of the REST API's default format: `1.7672436E9`.
    static func floatSeconds(_ microseconds: Int64) -> String {
        guard microseconds != 0 else { return "0.0" }
        var digits = String(microseconds.magnitude)
        let exponent = digits.count - 7
        while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        let fraction = digits.count > 1 ? String(digits.dropFirst()) : "0"
        return "\(microseconds < 0 ? "-" : "")\(digits.prefix(1)).\(fraction)E\(exponent)"
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func seconds(_ rest: inout Substring.UTF8View) -> Int64? {
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest = rest.dropFirst() }
        guard let whole = number(&rest, digits: 1...12), let micros = fraction(&rest) else { return nil }
        let total = whole * 1_000_000 + micros
        return isNegative ? -total : total
    }

    private static func calendar(_ rest: inout Substring.UTF8View) -> Int64? {
        guard let year = number(&rest, digits: 4...4), take(&rest, "-"),
            let month = number(&rest, digits: 1...2), (1...12).contains(month), take(&rest, "-"),
            let day = number(&rest, digits: 1...2), (1...31).contains(day),
            civil(daysSinceEpoch(year, month, day)) == (year, month, day)
        else { return nil }
        var seconds = daysSinceEpoch(year, month, day) * 86_400
        guard !rest.isEmpty else { return seconds * 1_000_000 }
        guard take(&rest, "T") || take(&rest, " "),
            let hour = number(&rest, digits: 1...2), hour < 24, take(&rest, ":"),
            let minute = number(&rest, digits: 1...2), minute < 60, take(&rest, ":"),
            let second = number(&rest, digits: 1...2), second < 60,
            let micros = fraction(&rest), let offset = zone(&rest)
        else { return nil }
        seconds += hour * 3_600 + minute * 60 + second - offset
        return seconds * 1_000_000 + micros
    }

    /// Seconds east of UTC; UTC when nothing is said.
    private static func zone(_ rest: inout Substring.UTF8View) -> Int64? {
        if rest.isEmpty { return 0 }
        if take(&rest, "Z") || take(&rest, " UTC") { return 0 }
        let sign: Int64
        if take(&rest, "+") { sign = 1 } else if take(&rest, "-") { sign = -1 } else { return nil }
        guard let hours = number(&rest, digits: 1...2), hours <= 14 else { return nil }
        if rest.isEmpty { return sign * hours * 3_600 }
        guard take(&rest, ":"), let minutes = number(&rest, digits: 2...2), minutes < 60 else { return nil }
        return sign * (hours * 3_600 + minutes * 60)
    }

    /// Microseconds; at most 6 digits.
    private static func fraction(_ rest: inout Substring.UTF8View) -> Int64? {
        guard take(&rest, ".") else { return 0 }
        let start = rest.count
        guard var value = number(&rest, digits: 1...6) else { return nil }
        for _ in (start - rest.count)..<6 { value *= 10 }
        return value
    }

    private static func number(_ rest: inout Substring.UTF8View, digits: ClosedRange<Int>) -> Int64? {
        let found = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        guard digits.contains(found.count) else { return nil }
        rest = rest.dropFirst(found.count)
        return found.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    private static func take(_ rest: inout Substring.UTF8View, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard rest.prefix(count).elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: count)) else {
            return false
        }
        rest = rest.dropFirst(count)
        return true
    }
}

func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, years counted from March so that the leap
/// day is the last of its year.
private func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let (era, yearOfEra) = floorDivide(month <= 2 ? year - 1 : year, 400)
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

private func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
}
