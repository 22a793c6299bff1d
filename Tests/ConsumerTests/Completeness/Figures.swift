import Market

@testable import Consumer

/// An hour of a market, to find figures by.
struct HourKey: Hashable {
    let code: String
    /// Hours since 1970.
    let hour: Int
}

extension MarketHours {
    mutating func add(_ code: String, at milliseconds: Int64, _ volume: String, sum: String?) {
        withBytes(code) { code in
            withBytes(volume) { volume in
                withBytes(sum ?? "") { sumBytes in
                    add(code: code, milliseconds: milliseconds, volume: volume, sum: sum == nil ? nil : sumBytes)
                }
            }
        }
    }

    /// The figures of this batch; those of one hour are merged.
    var figures: [HourKey: HourFigures] {
        var figures: [HourKey: HourFigures] = [:]
        forEachLine { code, hour, line, _ in
            figures[HourKey(code: String(decoding: code, as: UTF8.self), hour: hour), default: .init()].merge(line)
        }
        return figures
    }

    /// As after an empty database answered.
    mutating func resumeWithNothing() { resume(unknownDays.map { _ in MarketDay() }) }
}

extension HourFigures {
    mutating func merge(_ other: HourFigures) {
        ticks += other.ticks
        volume += other.volume
        repeats += other.repeats
        repeatedVolume += other.repeatedVolume
        skips += other.skips
        late += other.late
        unsummed += other.unsummed
        guard let low = [sums, other.sums].compactMap({ $0?.lowerBound }).min(),
            let high = [sums, other.sums].compactMap({ $0?.upperBound }).max()
        else { return }
        sums = low...high
    }
}

func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var text = text
    return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
}

/// Billionths.
func units(_ text: String) -> Int128 { (try? Numeric(text))?.units ?? .min }
