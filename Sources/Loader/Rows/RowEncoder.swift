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
    /// What is in every row: names and punctuation (far below 200 bytes), load id and time, two ordinals.
    private let fixedBytesLimit: Int

    /// - Parameter rowBytesLimit: a row that needs more does not fit into any request.
    init(load: Load, rowBytesLimit: Int) {
        beforeInsertOrdinal = Array(#"{"insertId":"\#(load.id)-"#.utf8)
        beforeOrdinal = Array(#"","json":{"loaded_at":"\#(load.startedAt)","load_id":"\#(load.id)","ordinal":"#.utf8)
        self.rowBytesLimit = rowBytesLimit
        fixedBytesLimit = beforeInsertOrdinal.count + beforeOrdinal.count + 200
    }

    enum Outcome: Equatable {
        case encoded(price: Numeric, volume: Numeric)
        case rejected(reason: String)
    }

    /// Appends `line` (a row with its line feed) to `body`, or leaves `body` alone and says why not.
    func append(_ line: UnsafeRawBufferPointer, ordinal: Int, to body: inout [UInt8]) -> Outcome {
        do throws(Rejection) {
            let fields = try CopyLine(line)
            let price = try Decimal(fields.price, "trade_price")
            let volume = try Decimal(fields.volume, "trade_volume")
            let time = try Instant(fields.time)
            let code = try Code(fields.code)
            let start = body.count
            // A byte of a code can need six, and none of another field more than one.
            let limit = fixedBytesLimit + line.count + 5 * code.bytes.count + price.extraBytes + volume.extraBytes
            RowWriter.append(to: &body, atMost: limit) { row in
                row.append(beforeInsertOrdinal)
                row.append(digitsOf: ordinal)
                row.append(beforeOrdinal)
                row.append(digitsOf: ordinal)
                time.append(to: &row)
                code.append(to: &row)
                row.append(#"","trade_price":""#)
                price.append(to: &row)
                row.append(#"","trade_volume":""#)
                volume.append(to: &row)
                row.append(#""}}"#)
            }
            guard body.count - start <= rowBytesLimit else {
                body.removeSubrange(start...)
                throw Rejection(reason: "the row needs more than \(rowBytesLimit) bytes")
            }
            return .encoded(price: price.value, volume: volume.value)
        } catch {
            return .rejected(reason: error.reason)
        }
    }
}

/// `2026-01-01 05:00:00.001+00`, which is sent as RFC 3339. The connection sets ISO dates and UTC.
private struct Instant {
    private let text: UnsafeRawBufferPointer

    init(_ field: UnsafeRawBufferPointer) throws(Rejection) {
        guard field.count >= 22, field[10] == UInt8(ascii: " "), field[field.count - 3] == UInt8(ascii: "+"),
            field[field.count - 2] == UInt8(ascii: "0"), field[field.count - 1] == UInt8(ascii: "0")
        else { throw Rejection(reason: "time is not an instant in UTC") }
        text = field
    }

    func append(to row: inout RowWriter) {
        row.append(#","time":""#)
        row.append(UnsafeRawBufferPointer(rebasing: text[..<10]))
        row.append(UInt8(ascii: "T"))
        row.append(UnsafeRawBufferPointer(rebasing: text[11..<(text.count - 3)]))
        row.append(UInt8(ascii: "Z"))
    }
}

private struct Code {
    let bytes: UnsafeRawBufferPointer
    /// What the field stands for, when that is not the same bytes.
    private let value: [UInt8]?

    init(_ field: UnsafeRawBufferPointer) throws(Rejection) {
        bytes = field
        if field.allSatisfy(isPlain) {
            value = nil
            return
        }
        guard let value = copyFieldValue(field) else { throw Rejection(reason: "code is null") }
        guard String(validating: value, as: UTF8.self) != nil else {
            throw Rejection(reason: "code is not valid UTF-8")
        }
        self.value = value
    }

    func append(to row: inout RowWriter) {
        row.append(#"","code":""#)
        guard let value else { return row.append(bytes) }
        for byte in value { row.append(json: byte) }
    }
}

/// A price or a volume. Plain decimals are copied without the zeros that carry no value; only a column that is
/// not `numeric` can spell an exponent.
private struct Decimal {
    let value: Numeric
    private let text: UnsafeRawBufferPointer
    /// Spelled anew; nil when the text is sent as it is.
    private let spelled: [UInt8]?

    /// Bytes that are sent beyond those of the text.
    var extraBytes: Int { spelled?.count ?? 0 }

    init(_ field: UnsafeRawBufferPointer, _ column: StaticString) throws(Rejection) {
        guard let decimal = DecimalText(field), decimal.end == field.count else {
            let isNull = field.elementsEqual(#"\N"#.utf8)
            throw Rejection(reason: "\(column) is \(isNull ? "null" : "\(Numeric.Refusal.notANumber)")")
        }
        do throws(Numeric.Refusal) {
            value = try Numeric(decimal, in: field)
        } catch {
            throw Rejection(reason: "\(column) has \(error)")
        }
        // A text that ends behind its digits has no exponent.
        guard max(decimal.integer.upperBound, decimal.fraction.upperBound) == field.count else {
            text = field
            spelled = value.bytes
            return
        }
        var end = field.count
        if !decimal.fraction.isEmpty {
            while field[end - 1] == UInt8(ascii: "0") { end -= 1 }
            if field[end - 1] == UInt8(ascii: ".") { end -= 1 }
        }
        text = UnsafeRawBufferPointer(rebasing: field[..<end])
        spelled = nil
    }

    func append(to row: inout RowWriter) {
        guard let spelled else { return row.append(text) }
        row.append(spelled)
    }
}

extension Numeric {
    fileprivate var bytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }
}

/// ASCII that means itself both in COPY's text and in JSON.
private func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
}
