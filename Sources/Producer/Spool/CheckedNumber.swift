/// A number of a spool's state with a checksum of its own, as one word: that is stored as a whole, and so the
/// two fit each other at whatever instruction the process is killed.
///
/// ```
/// bits  0…51  the number
/// bits 52…63  CRC-32C of the number's 52 bits with its place above them, folded to 12 bits
/// ```
///
/// The checksum finds every change of up to three bits, a word of zeroes, a word that another place belongs
/// to, and of anything else all but one in 4,096.
enum CheckedNumber {
    /// 4.5 · 10^15: as microseconds since 1970 the year 2112.
    static let largest: UInt64 = 1 << numberBits - 1

    private static let numberBits: UInt64 = 52

    /// The word of a number; of one that is too large, of the largest.
    static func word(_ number: UInt64, place: Int) -> UInt64 {
        let number = min(number, largest)
        return number | checksum(number, place) << numberBits
    }

    /// The number of a word that ``word(_:place:)`` made.
    static func number(_ word: UInt64) -> UInt64 { word & largest }

    /// True when the word was made for this place and did not change since.
    static func isWhole(_ word: UInt64, place: Int) -> Bool { word == self.word(number(word), place: place) }

    private static func checksum(_ number: UInt64, _ place: Int) -> UInt64 {
        let crc = withUnsafeBytes(of: (number | UInt64(place) << numberBits).littleEndian, CRC32C.checksum)
        return UInt64(crc ^ crc >> 12 ^ crc >> 24) & 0xFFF
    }
}
