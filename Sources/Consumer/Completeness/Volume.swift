import Market

/// Volumes as billionths in 128 bits: exact, cheap to add, and never beyond what can be added.
enum Volume {
    /// More than any market trades on a day (the largest have 10^13 a day). Below it a batch of a
    /// thousand million ticks adds up without an overflow, whatever a frame says.
    static let limit: Int128 = 10_000_000_000_000_000_000 * 1_000_000_000

    /// Reads decimal text; nil for what is no number, has more than 9 decimals, or exceeds ``limit``.
    static func units(_ text: UnsafeRawBufferPointer) -> Int128? {
        guard let units = (try? Numeric(text))?.units, units >= 0, units <= limit else { return nil }
        return units
    }
}
