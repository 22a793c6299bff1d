import Foundation
import Market

/// A column's type: how it is stored in PostgreSQL, and what insertAll accepts for it.
enum ColumnType: String, Sendable {
    case string = "STRING"
    case integer = "INTEGER"
    case numeric = "NUMERIC"
    case bigNumeric = "BIGNUMERIC"
    case float = "FLOAT"
    case boolean = "BOOLEAN"
    case timestamp = "TIMESTAMP"
    case date = "DATE"

    /// Reads a name of GoogleSQL or of the REST API, which answers in the latter.
    init?(name: String) {
        switch name.uppercased() {
        case "INT64", "INT", "BIGINT": self = .integer
        case "FLOAT64": self = .float
        case "BOOL": self = .boolean
        case let name: self.init(rawValue: name)
        }
    }

    var postgres: String {
        switch self {
        case .string: "text"
        case .integer: "bigint"
        case .numeric: "numeric(38,9)"
        case .bigNumeric: "numeric(76,38)"
        case .float: "double precision"
        case .boolean: "boolean"
        case .timestamp: "timestamptz"
        case .date: "date"
        }
    }

    /// The value as PostgreSQL reads it; otherwise the service's words about it.
    func postgresText(_ value: JSON) -> Result<String, InvalidValue> {
        let text: String
        switch value {
        case .string(let string): text = string
        case .number(let digits): text = digits
        case .bool(let flag): text = flag ? "true" : "false"
        case .array: return .failure(InvalidValue("Array specified for non-repeated field."))
        case .object, .null: return .failure(InvalidValue("This field is not a record."))
        }
        return check(text, isNumber: value == .number(text))
    }

    private func check(_ text: String, isNumber: Bool) -> Result<String, InvalidValue> {
        switch self {
        case .string:
            return .success(text)
        case .integer:
            if let integer = Int64(text), !text.hasPrefix("+") { return .success(String(integer)) }
            return .failure(InvalidValue("Cannot convert value to integer (bad value): \(text)"))
        case .numeric:
            if let numeric = try? Numeric(text) { return .success(numeric.description) }
            return .failure(InvalidValue("Invalid NUMERIC value: \(text)"))
        case .bigNumeric:
            if isBigNumeric(text) { return .success(text) }
            return .failure(InvalidValue("Invalid BIGNUMERIC value: \(text)"))
        case .float:
            if let value = Double(text) { return .success(String(value)) }
            return .failure(InvalidValue("Cannot convert value to floating point (bad value): \(text)"))
        case .boolean:
            if !isNumber, ["true", "false"].contains(text.lowercased()) { return .success(text.lowercased()) }
            return .failure(InvalidValue("Cannot convert value to boolean (bad value): \(text)"))
        case .timestamp:
            if let microseconds = TimestampText.microseconds(text) {
                return .success(TimestampText.postgres(microseconds))
            }
            let format = "YYYY-MM-DD HH:MM[:SS[.SSSSSS]] or YYYY/MM/DD HH:MM[:SS[.SSSSSS]]"
            return .failure(InvalidValue("Could not parse '\(text)' as a timestamp. Required format is \(format)"))
        case .date:
            if text.utf8.count == 10, TimestampText.microseconds(text) != nil { return .success(text) }
            return .failure(InvalidValue("Could not parse '\(text)' as DATE"))
        }
    }
}

struct InvalidValue: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// At most 38 digits on either side of the point, and no exponent.
private func isBigNumeric(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
        guard let decimal = DecimalText(UnsafeRawBufferPointer(bytes)) else { return false }
        return decimal.end == bytes.count && decimal.exponent == 0 && decimal.integer.count <= 38
            && decimal.fraction.count <= 38
    }
}
