/// A date of the Gregorian calendar in UTC, from and to a number of days.
///
/// Years are counted from March here, so that the leap day is a year's last one, in eras of 400 years
/// (Howard Hinnant, "chrono-compatible low-level date algorithms").
package struct CivilDate: Equatable, Sendable {
    package let year: Int
    /// 1 to 12.
    package let month: Int
    /// 1 to 31.
    package let day: Int

    package init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// - Parameter daysSince1970: zero or more.
    package init(daysSince1970: Int) {
        let shifted = daysSince1970 + daysFromMarchZero
        let era = shifted / daysPerEra
        let dayOfEra = shifted % daysPerEra
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// For a day that the month does not have, that of the next month's day which it runs into.
    package var daysSince1970: Int {
        let year = month <= 2 ? self.year - 1 : self.year
        let yearOfEra = year % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return year / 400 * daysPerEra + dayOfEra - daysFromMarchZero
    }

    /// Appends `2026-01-31` as ASCII; the year must have at most four digits.
    package func append(to bytes: inout [UInt8]) {
        for (number, mark) in [(year / 100, nil), (year % 100, "-"), (month, "-"), (day, nil)]
            as [(Int, Unicode.Scalar?)]
        {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10))
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
            if let mark { bytes.append(UInt8(ascii: mark)) }
        }
    }
}

/// From 0000-03-01 to 1970-01-01.
private let daysFromMarchZero = 719_468
/// 400 years.
private let daysPerEra = 146_097
