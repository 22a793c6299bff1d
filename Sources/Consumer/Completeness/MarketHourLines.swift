import Market

/// Figures on their way into one statement: an array of PostgreSQL's for each column.
struct MarketHourLines {
    private var columns = [[UInt8]](repeating: [], count: 11)
    private(set) var isEmpty = true

    /// - Parameters:
    ///   - hour: since 1970.
    ///   - volume: text to be added instead of the figures' own volume.
    mutating func append(code: ArraySlice<UInt8>, hour: Int, _ figures: HourFigures, volume: [UInt8]?) {
        isEmpty = false
        // A market may be called NULL, so codes stand in quotes; no character of theirs needs an escape.
        append(0) { $0 += [quote] + code + [quote] }
        append(1, integer: hour)
        append(2, integer: figures.ticks)
        if let volume { append(3) { $0 += volume } } else { append(3, units: figures.volume) }
        append(4, integer: figures.repeats)
        append(5, units: figures.repeatedVolume)
        append(6, integer: figures.skips)
        append(7, integer: figures.late)
        append(8, integer: figures.unsummed)
        append(9, units: figures.sums?.lowerBound)
        append(10, units: figures.sums?.upperBound)
    }

    /// `{1,2,3}` for each column, in the order of ``append(code:hour:_:volume:)``.
    var arrays: [String] { columns.map { "{\(String(decoding: $0.dropLast(), as: UTF8.self))}" } }

    private mutating func append(_ column: Int, _ write: (inout [UInt8]) -> Void) {
        write(&columns[column])
        columns[column].append(UInt8(ascii: ","))
    }

    private mutating func append(_ column: Int, integer: Int) {
        append(column) { $0 += "\(integer)".utf8 }
    }

    private mutating func append(_ column: Int, units: Int128?) {
        append(column) { bytes in
            guard let units else { return bytes += "NULL".utf8 }
            Numeric(units: units).append(to: &bytes)
        }
    }
}

private let quote = UInt8(ascii: "\"")
