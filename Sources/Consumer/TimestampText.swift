/// Writes milliseconds since 1970 as PostgreSQL reads a `timestamptz`: `2026-01-01 05:00:00.123+00`.
///
/// The zone is always spelled out: without it the session's zone would decide what the time means.
struct TimestampText {
    /// The day of the last call and its date, since trades of one day come together.
    private var day: Int64 = .min
    private var date: [UInt8] = []

    /// - Parameter milliseconds: in `Tick.timestampRange`, so that the year has four digits.
    mutating func append(_ milliseconds: Int64, to bytes: inout [UInt8]) {
        let day = milliseconds / 86_400_000
        if day != self.day {
            self.day = day
            date = Self.date(day)
        }
        let rest = Int(milliseconds % 86_400_000)
        bytes.append(contentsOf: date)
        bytes.append(UInt8(ascii: " "))
        appendTwoDigits(rest / 3_600_000, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendTwoDigits(rest / 60_000 % 60, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendTwoDigits(rest / 1_000 % 60, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        bytes.append(digit(rest / 100 % 10))
        appendTwoDigits(rest % 100, to: &bytes)
        bytes.append(contentsOf: "+00".utf8)
    }

    /// The Gregorian date of a day since 1970-01-01, for days from then on.
    ///
    /// Years are counted from March, so that the leap day is a year's last one.
    private static func date(_ day: Int64) -> [UInt8] {
        let shifted = day + 719_468  // days since 0000-03-01
        let era = shifted / 146_097  // 400 years
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        var bytes: [UInt8] = []
        appendTwoDigits(Int(year / 100), to: &bytes)
        appendTwoDigits(Int(year % 100), to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendTwoDigits(Int(month), to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendTwoDigits(Int(dayOfMonth), to: &bytes)
        return bytes
    }
}

private func appendTwoDigits(_ number: Int, to bytes: inout [UInt8]) {
    bytes.append(digit(number / 10))
    bytes.append(digit(number % 10))
}

private func digit(_ number: Int) -> UInt8 { UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number) }
