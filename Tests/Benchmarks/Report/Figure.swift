/// One measured figure, the limit that it stands beside, and what it is to reach.
struct Figure: Equatable {
    /// The best that the same machine did in the same run on the same data, without the service.
    struct Limit: Equatable {
        let name: String
        let value: Double
    }

    enum Goal: Equatable {
        case atLeast(Double)
        case atMost(Double)
        /// Of ``Figure/ratio``.
        case ratio(Double)
    }

    /// What it is called where figures of several runs are compared.
    let id: String
    let name: String
    let value: Double
    let unit: Unit
    var limit: Limit?
    var goal: Goal?
    /// False for a figure that stands beside a second limit: its first one is enough to tell when it drops.
    var isCompared = true

    enum Unit: String {
        case framesPerSecond = "frames/s"
        case rowsPerSecond = "rows/s"
        case microsecondsPerFrame = "µs/frame"
        case microsecondsPerRow = "µs/row"
        case allocations = "allocations/frame"
        case milliseconds = "ms"
        case seconds = "s"
        case megabytes = "MB"
        case count = ""
        /// How many times as much.
        case times = "×"

        var isBetterWhenHigher: Bool {
            switch self {
            case .framesPerSecond, .rowsPerSecond, .times: true
            default: false
            }
        }
    }

    /// How much of the limit is reached; higher is better, and 1 is the limit itself.
    var ratio: Double? {
        guard let limit, limit.value > 0, value > 0 else { return nil }
        return unit.isBetterWhenHigher ? value / limit.value : limit.value / value
    }

    /// nil without a goal.
    var isReached: Bool? {
        switch goal {
        case .atLeast(let bound)?: value >= bound
        case .atMost(let bound)?: value <= bound
        case .ratio(let bound)?: (ratio ?? 0) >= bound
        case nil: nil
        }
    }
}

extension [Double] {
    /// The middle of several rounds: of two things that are compared neither is judged by its luckiest round.
    /// 0 of nothing.
    var median: Double {
        guard !isEmpty else { return 0 }
        let sorted = self.sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }

    /// The better end of several rounds: what disturbs a measurement only ever makes it worse.
    func best(_ unit: Figure.Unit) -> Double { (unit.isBetterWhenHigher ? self.max() : self.min()) ?? 0 }
}
