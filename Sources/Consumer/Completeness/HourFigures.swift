/// What the ticks of one market and hour add up to. Figures of the same hour are merged by adding,
/// and by the lower and the higher of the sums, so the order in which they come does not matter.
struct HourFigures: Equatable {
    var ticks = 0
    /// Of all ticks; billionths, as all volumes here.
    var volume: Int128 = 0
    var repeats = 0
    var repeatedVolume: Int128 = 0
    var skips = 0
    var late = 0
    /// Ticks without a sum that can be used.
    var unsummed = 0
    /// Where on the line of the day's volume the hour's ticks begin and end; nil without a usable sum.
    var sums: ClosedRange<Int128>?

    mutating func add(volume: Int128, sum: Int128, _ arrival: MarketDay.Arrival) {
        ticks += 1
        self.volume += volume
        switch arrival {
        case .next: break
        case .skip: skips += 1
        case .late: late += 1
        case .repeated:
            repeats += 1
            repeatedVolume += volume
        }
        let low = sum - volume
        sums = sums.map { min($0.lowerBound, low)...max($0.upperBound, sum) } ?? low...sum
    }

    mutating func addUnsummed(volume: Int128) {
        ticks += 1
        self.volume += volume
        unsummed += 1
    }
}
