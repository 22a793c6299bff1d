import Testing

@testable import Producer

@Suite("The opening of partitions")
struct PartitionOpeningTests {
    @Test("Nothing follows the first record of a partition until that one is delivered")
    func first() {
        var opening = PartitionOpening()
        #expect(opening.admits(0, deliveredBelow: 5))
        opening.sent(5, to: 0)
        #expect(!opening.admits(0, deliveredBelow: 5) && opening.admits(1, deliveredBelow: 5))
        opening.sent(6, to: 1)
        #expect(opening.admits(0, deliveredBelow: 6) && !opening.admits(1, deliveredBelow: 6))
        opening.sent(7, to: 0)
        #expect(opening.admits(0, deliveredBelow: 6))
    }
}
