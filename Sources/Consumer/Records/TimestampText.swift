import Market

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
            date.removeAll(keepingCapacity: true)
            CivilDate(daysSince1970: Int(day)).append(to: &date)
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
}

private func appendTwoDigits(_ number: Int, to bytes: inout [UInt8]) {
    bytes.append(digit(number / 10))
    bytes.append(digit(number % 10))
}

private func digit(_ number: Int) -> UInt8 { UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number) }
