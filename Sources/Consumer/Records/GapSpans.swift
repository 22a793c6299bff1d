import Market

/// The gaps of a batch, each once, with the latest end that was told.
///
/// Two in one statement would be refused: `ON CONFLICT` cannot change a row twice.
struct GapSpans {
    private struct Key: Hashable {
        let producer: String
        let from: UInt64
    }

    private var byKey: [Key: Gap] = [:]

    var count: Int { byKey.count }

    mutating func add(_ gap: Gap) {
        let key = Key(producer: gap.producer, from: gap.from)
        if let known = byKey[key], known.to >= gap.to { return }
        byKey[key] = gap
    }

    mutating func removeAll() { byKey.removeAll() }

    /// A JSON array of the gaps, for the database to take apart.
    var json: String { "[\(byKey.values.map(\.json).joined(separator: ","))]" }
}
