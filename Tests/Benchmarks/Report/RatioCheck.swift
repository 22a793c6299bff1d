/// Compares the ratios of a run with committed ones: a machine's speed cancels out of them, a slower service
/// does not.
struct RatioCheck {
    struct Failure: Equatable, CustomStringConvertible {
        enum Kind: Equatable {
            case dropped(measured: Double)
            case notMeasured
            /// A new figure without a ratio to compare it with.
            case notCommitted
        }

        let id: String
        let committed: Double?
        let kind: Kind

        var description: String {
            switch kind {
            case .dropped(let measured): "\(id): the ratio is \(measured), and was \(committed ?? 0)"
            case .notMeasured: "\(id): committed, and not measured any more"
            case .notCommitted: "\(id): measured, and not committed"
            }
        }
    }

    /// By figure.
    let committed: [String: Double]

    /// What keeps `figures` from being as good as the committed ones; in the order of their names.
    func failures(_ figures: [Figure]) -> [Failure] {
        let measured = Self.ratios(figures)
        return Set(committed.keys).union(measured.keys).sorted().compactMap { id in
            switch (committed[id], measured[id]) {
            case (let old?, let new?):
                hasDropped(from: old, to: new) ? Failure(id: id, committed: old, kind: .dropped(measured: new)) : nil
            case (let old, nil): Failure(id: id, committed: old, kind: .notMeasured)
            case (nil, _): Failure(id: id, committed: nil, kind: .notCommitted)
            }
        }
    }

    /// By a third or more.
    private func hasDropped(from old: Double, to new: Double) -> Bool { 3 * new <= 2 * old }

    /// The ratios of figures that stand beside a limit. A limit that could not be measured counts as a ratio of 0.
    static func ratios(_ figures: [Figure]) -> [String: Double] {
        let compared = figures.filter { $0.limit != nil && $0.isCompared }
        return Dictionary(compared.map { ($0.id, $0.ratio ?? 0) }) { max($0, $1) }
    }
}
