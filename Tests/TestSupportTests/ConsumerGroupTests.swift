import Foundation
import Testing

@testable import TestSupport

@Suite struct ConsumerGroupTests {
    private let start = Date(timeIntervalSince1970: 1_000)

    private func generation(_ answer: ConsumerGroup.Answer<ConsumerGroup.Membership>) -> Int32? {
        if case .now(let membership) = answer { membership.generation } else { nil }
    }

    @Test("The first generation waits for others, and has all who came")
    func first() throws {
        var group = ConsumerGroup()
        group.join("a", [1], now: start)
        #expect(generation(group.membership(of: "a", now: start)) == nil)
        group.join("b", [2], now: start + 0.5)
        #expect(generation(group.membership(of: "b", now: start + 0.9)) == nil)
        guard case .now(let membership) = group.membership(of: "b", now: start + 1) else {
            Issue.record("no generation")
            return
        }
        #expect(membership.generation == 1)
        #expect(membership.leader == "a")
        #expect(membership.members == ["a": [1], "b": [2]])
    }

    @Test("Who joins later makes the others come back, and everybody gets what the leader says")
    func rebalance() {
        var group = ConsumerGroup()
        group.join("a", [], now: start)
        _ = group.membership(of: "a", now: start + 1)
        group.share(["a": [7]], generation: 1)
        #expect(group.state(of: "a", generation: 1) == nil)
        group.join("b", [], now: start + 5)
        #expect(group.state(of: "a", generation: 1) == .rebalanceInProgress)
        #expect(generation(group.membership(of: "b", now: start + 6)) == nil)
        group.join("a", [], now: start + 7)
        #expect(generation(group.membership(of: "b", now: start + 7)) == 2)
        group.share(["a": [1], "b": [2]], generation: 2)
        guard case .now(let share) = group.share(of: "b", generation: 2, now: start + 7) else {
            Issue.record("no share")
            return
        }
        #expect(share == [2])
        #expect(group.state(of: "a", generation: 1) == .illegalGeneration)
    }

    @Test("A member that does not come back is left out after a while")
    func gone() {
        var group = ConsumerGroup()
        group.join("a", [], now: start)
        _ = group.membership(of: "a", now: start + 1)
        group.share(["a": []], generation: 1)
        group.join("b", [], now: start + 2)
        #expect(generation(group.membership(of: "b", now: start + 11)) == nil)
        #expect(generation(group.membership(of: "b", now: start + 12)) == 2)
        #expect(group.state(of: "a", generation: 1) == .unknownMember)
    }
}
