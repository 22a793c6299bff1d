/// What a round of records must have become, as COPY text for the tables that it is compared with.
struct Expectation {
    private(set) var rows: [UInt8] = []
    private(set) var rowCount = 0
    private(set) var deadLetters: [UInt8] = []
    private(set) var deadLetterCount = 0
    private(set) var repeatCount = 0

    static let tables = """
        CREATE TABLE expected_rows (milliseconds bigint, code text, trade_price numeric, trade_volume numeric);
        CREATE TABLE expected_letters (value bytea);
        CREATE TABLE checked_hours (code text, hour timestamptz, ticks bigint, volume numeric);
        """

    mutating func add(_ record: FuzzedRecord) {
        if record.isRepeat {
            repeatCount += 1
        } else if let row = record.value.flatMap(SecondReading.row) {
            rows += "\(row.milliseconds)\t\(row.code)\t\(row.price)\t\(row.volume)\n".utf8
            rowCount += 1
        } else {
            appendHexadecimal(record.value)
            deadLetterCount += 1
        }
    }

    private mutating func appendHexadecimal(_ value: [UInt8]?) {
        guard let value else { return deadLetters += "\\N\n".utf8 }
        deadLetters += "\\\\x".utf8
        let digits = Array("0123456789abcdef".utf8)
        for byte in value {
            deadLetters.append(digits[Int(byte >> 4)])
            deadLetters.append(digits[Int(byte & 15)])
        }
        deadLetters.append(UInt8(ascii: "\n"))
    }
}
