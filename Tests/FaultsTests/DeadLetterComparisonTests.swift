import TestSupport
import Testing

@testable import Faults

@Suite struct DeadLetterComparisonTests {
    private static let session: Session = {
        var settings = SeededSettings(seed: 4, frameCount: 400)
        settings.isNumbered = true
        settings.malformedOneIn = 10
        return .seeded(settings)
    }()

    /// As they are when all went well.
    private static let letters = session.frames().filter { $0.trade.malformation != nil }.map { frame in
        DeadLetterComparison.Letter(
            topic: "ticks", key: frame.trade.malformation?.tellsCode == true ? hexadecimal(frame.code.utf8) : nil,
            value: hexadecimal(frame.bytes))
    }
    private static let numbers = session.trades().filter { $0.malformation != nil }.map(\.number)

    private func compare(_ letters: [DeadLetterComparison.Letter]) -> DeadLetterComparison {
        DeadLetterComparison(Self.session, letters, topic: "ticks")
    }

    @Test("Letters that are the malformed frames, one for one and in any order, have no difference")
    func equal() {
        let comparison = compare(Self.letters.shuffled())
        #expect(comparison.differences.isEmpty && comparison.sentCount == Self.letters.count)
        #expect(comparison.sentCount > 20)
    }

    @Test("A lost and a doubled letter, another key, another topic and other bytes are each found, by their numbers")
    func differences() {
        var letters = Self.letters
        letters[2].key = hexadecimal("KRW-OTHER".utf8)
        letters[3].topic = "ticks.gaps"
        letters[4].value? += "00"
        letters.append(letters[5])
        letters.remove(at: 0)
        let comparison = compare(letters)
        #expect(comparison.lost.numbers == [Self.numbers[0], Self.numbers[4]])
        #expect(comparison.doubled.numbers == [Self.numbers[5]])
        #expect(comparison.changed.numbers == [Self.numbers[2], Self.numbers[3]])
        #expect(comparison.strangers.count == 1 && comparison.differences.count == 4)
    }

    @Test("A letter without a value is one that nobody sent")
    func noValue() {
        #expect(compare(Self.letters + [.init(topic: "ticks", key: nil, value: nil)]).strangers.count == 1)
    }
}

private func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
    #"\x"# + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
