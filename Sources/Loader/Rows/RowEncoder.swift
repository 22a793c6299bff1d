import Market

/// Turns a row of `COPY … TO STDOUT` into a row of insertAll's body, bytes to bytes.
///
/// ```
/// 2026-01-01 05:00:00.001+00  BTC  122720000.00000000  0.00020372     (tabs between the fields)
/// {"insertId":"…-7","json":{"loaded_at":"…","load_id":"…","ordinal":7,"time":"2026-01-01T05:00:00.001Z",
///  "code":"BTC","trade_price":"122720000","trade_volume":"0.00020372"}}
/// ```
///
/// No `String` and no number object is made for a row on its way: an hour can have millions.
struct RowEncoder: Sendable {
    private let beforeInsertOrdinal: [UInt8]
    private let beforeOrdinal: [UInt8]
    private let rowBytesLimit: Int

    /// - Parameter rowBytesLimit: a row that needs more does not fit into any request.
    init(load: Load, rowBytesLimit: Int) {
        beforeInsertOrdinal = Array(#"{"insertId":"\#(load.id)-"#.utf8)
        beforeOrdinal = Array(#"","json":{"loaded_at":"\#(load.startedAt)","load_id":"\#(load.id)","ordinal":"#.utf8)
        self.rowBytesLimit = rowBytesLimit
    }

    enum Outcome: Equatable {
        case encoded(price: Numeric, volume: Numeric)
        case rejected(reason: String)
    }

    /// Appends `line` (a row with its line feed) to `body`, or leaves `body` alone and says why not.
    func append(_ line: UnsafeRawBufferPointer, ordinal: Int, to body: inout [UInt8]) -> Outcome {
        let start = body.count
        do throws(Rejection) {
            let fields = try Fields(line)
            let price = try number(fields.price, "trade_price")
            let volume = try number(fields.volume, "trade_volume")
            appendOrdinals(ordinal, to: &body)
            try appendTime(fields.time, to: &body)
            try appendCode(fields.code, to: &body)
            body.append(contentsOf: #"","trade_price":""#.utf8)
            append(price, text: fields.price, to: &body)
            body.append(contentsOf: #"","trade_volume":""#.utf8)
            append(volume, text: fields.volume, to: &body)
            body.append(contentsOf: #""}}"#.utf8)
            guard body.count - start <= rowBytesLimit else {
                throw Rejection(reason: "the row needs more than \(rowBytesLimit) bytes")
            }
            return .encoded(price: price, volume: volume)
        } catch {
            body.removeSubrange(start...)
            return .rejected(reason: error.reason)
        }
    }

    private struct Rejection: Error { let reason: String }

    private struct Fields {
        let time: UnsafeRawBufferPointer
        let code: UnsafeRawBufferPointer
        let price: UnsafeRawBufferPointer
        let volume: UnsafeRawBufferPointer

        init(_ line: UnsafeRawBufferPointer) throws(Rejection) {
            var end = line.count
            if end > 0, line[end - 1] == UInt8(ascii: "\n") { end -= 1 }
            var tabs = (0, 0, 0)
            var count = 0
            for position in 0..<end where line[position] == UInt8(ascii: "\t") {
                switch count {
                case 0: tabs.0 = position
                case 1: tabs.1 = position
                case 2: tabs.2 = position
                default: break
                }
                count += 1
            }
            guard count == 3 else { throw Rejection(reason: "\(count + 1) columns instead of 4") }
            time = UnsafeRawBufferPointer(rebasing: line[0..<tabs.0])
            code = UnsafeRawBufferPointer(rebasing: line[tabs.0 + 1..<tabs.1])
            price = UnsafeRawBufferPointer(rebasing: line[tabs.1 + 1..<tabs.2])
            volume = UnsafeRawBufferPointer(rebasing: line[tabs.2 + 1..<end])
        }
    }

    private func number(_ field: UnsafeRawBufferPointer, _ column: String) throws(Rejection) -> Numeric {
        if field.elementsEqual(#"\N"#.utf8) { throw Rejection(reason: "\(column) is null") }
        do {
            return try Numeric(field)
        } catch {
            throw Rejection(reason: "\(column) \(error == .notANumber ? "is" : "has") \(error)")
        }
    }

    private func appendOrdinals(_ ordinal: Int, to body: inout [UInt8]) {
        body.append(contentsOf: beforeInsertOrdinal)
        appendDigits(ordinal, to: &body)
        body.append(contentsOf: beforeOrdinal)
        appendDigits(ordinal, to: &body)
    }

    /// `2026-01-01 05:00:00.001+00` as RFC 3339. The connection sets ISO dates and UTC.
    private func appendTime(_ field: UnsafeRawBufferPointer, to body: inout [UInt8]) throws(Rejection) {
        guard field.count >= 22, field[10] == UInt8(ascii: " "), field.suffix(3).elementsEqual("+00".utf8) else {
            throw Rejection(reason: "time is not an instant in UTC")
        }
        body.append(contentsOf: #","time":""#.utf8)
        body.append(contentsOf: UnsafeRawBufferPointer(rebasing: field[..<10]))
        body.append(UInt8(ascii: "T"))
        body.append(contentsOf: UnsafeRawBufferPointer(rebasing: field[11..<(field.count - 3)]))
        body.append(UInt8(ascii: "Z"))
    }

    private func appendCode(_ field: UnsafeRawBufferPointer, to body: inout [UInt8]) throws(Rejection) {
        body.append(contentsOf: #"","code":""#.utf8)
        if field.allSatisfy(isPlain) {
            body.append(contentsOf: field)
            return
        }
        guard let value = copyFieldValue(field) else { throw Rejection(reason: "code is null") }
        guard String(validating: value, as: UTF8.self) != nil else {
            throw Rejection(reason: "code is not valid UTF-8")
        }
        for byte in value { appendJSON(byte, to: &body) }
    }

    /// Plain decimals are copied without the zeros that carry no value; only a column that is not
    /// `numeric` can spell an exponent.
    private func append(_ number: Numeric, text: UnsafeRawBufferPointer, to body: inout [UInt8]) {
        var end = text.count
        var hasPoint = false
        for byte in text {
            if byte | 0x20 == UInt8(ascii: "e") { return number.append(to: &body) }
            if byte == UInt8(ascii: ".") { hasPoint = true }
        }
        if hasPoint {
            while text[end - 1] == UInt8(ascii: "0") { end -= 1 }
            if text[end - 1] == UInt8(ascii: ".") { end -= 1 }
        }
        body.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[..<end]))
    }
}

/// ASCII that means itself both in COPY's text and in JSON.
private func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
}

private func appendJSON(_ byte: UInt8, to body: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        body.append(UInt8(ascii: "\\"))
        body.append(byte)
    case 0..<0x20:
        body.append(contentsOf: #"\u00"#.utf8)
        body.append(UInt8(ascii: byte < 0x10 ? "0" : "1"))
        body.append(Array("0123456789abcdef".utf8)[Int(byte & 15)])
    default:
        body.append(byte)
    }
}

private func appendDigits(_ number: Int, to bytes: inout [UInt8]) {
    let start = bytes.count
    var rest = number
    repeat {
        bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
        rest /= 10
    } while rest > 0
    bytes[start...].reverse()
}
