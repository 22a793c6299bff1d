/// What is known to be missing from an hour of the source, and so from the warehouse.
struct KnownGaps: Equatable, Sendable {
    /// In which a producer could receive nothing, rounded up.
    let seconds: Int
    /// Markets of which the exchange's own sums prove that volume is missing.
    let incompleteMarkets: Int

    /// `gap 12 s, 3 markets miss volume`; nil when nothing is known to be missing.
    var text: String? {
        var parts: [String] = []
        if seconds > 0 { parts.append("gap \(seconds) s") }
        if incompleteMarkets > 0 {
            parts.append(incompleteMarkets == 1 ? "1 market misses volume" : "\(incompleteMarkets) markets miss volume")
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
