import Market

/// A sum of exact decimals that knows when it is no longer a `NUMERIC`.
struct ExactSum: Equatable, Sendable {
    private var units: Int128 = 0
    /// The sum of the absolute values. While it fits, every partial sum fits, in whatever order a
    /// database adds them up.
    private var magnitude: Int128 = 0
    private var isBeyond = false

    /// The sum; nil when it, or a partial sum on the way to it, can be outside of `NUMERIC`.
    var value: Numeric? { isBeyond ? nil : Numeric(units: units) }

    mutating func add(_ number: Numeric) {
        units &+= number.units
        let (sum, overflow) = magnitude.addingReportingOverflow(abs(number.units))
        magnitude = sum
        isBeyond = isBeyond || overflow || sum > Numeric.unitLimit
    }

    /// Takes numbers back that were added before.
    mutating func remove(_ other: ExactSum) {
        units &-= other.units
        magnitude &-= other.magnitude
    }
}
