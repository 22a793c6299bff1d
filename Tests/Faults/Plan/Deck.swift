import TestSupport

/// Deals kinds at random, but none again before all others came up.
struct Deck<Card> {
    private let kinds: [Card]
    private var cards: [Card] = []

    init(_ kinds: some Collection<Card>) { self.kinds = Array(kinds) }

    /// - Precondition: the deck was made of at least one kind.
    mutating func deal(_ random: inout SplitMix64) -> Card {
        if cards.isEmpty {
            cards = kinds
            // Fisher and Yates.
            for place in cards.indices.dropFirst() { cards.swapAt(place, random.below(place + 1)) }
        }
        return cards.removeLast()
    }
}
