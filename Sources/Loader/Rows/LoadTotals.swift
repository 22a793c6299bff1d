import Market

/// What an hour amounts to, in any of the places that hold it: the way to tell that two are equal.
struct LoadTotals: Equatable, Sendable {
    var rows = 0
    /// nil when the sum can be outside of `NUMERIC`; only the count is compared then.
    var price: Numeric? = Numeric(units: 0)
    var volume: Numeric? = Numeric(units: 0)

    /// True when `other` has as many rows, and the same sums where both have one.
    func agrees(with other: LoadTotals) -> Bool {
        rows == other.rows && agree(price, other.price) && agree(volume, other.volume)
    }

    private func agree(_ left: Numeric?, _ right: Numeric?) -> Bool {
        guard let left, let right else { return true }
        return left == right
    }
}

extension LoadTotals: CustomStringConvertible {
    var description: String {
        "\(rows) rows, price \(price?.description ?? "beyond NUMERIC"), volume \(volume?.description ?? "beyond NUMERIC")"
    }
}

/// Totals while they grow.
struct RunningTotals: Sendable {
    private(set) var rows = 0
    private var price = ExactSum()
    private var volume = ExactSum()

    var totals: LoadTotals { LoadTotals(rows: rows, price: price.value, volume: volume.value) }

    mutating func add(price: Numeric, volume: Numeric) {
        rows += 1
        self.price.add(price)
        self.volume.add(volume)
    }

    /// Takes rows back that were added before.
    mutating func remove(_ other: RunningTotals) {
        rows -= other.rows
        price.remove(other.price)
        volume.remove(other.volume)
    }
}
