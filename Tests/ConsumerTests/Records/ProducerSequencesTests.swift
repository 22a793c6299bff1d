import Testing

@testable import Consumer

@Suite("The producers of a partition")
struct ProducerSequencesTests {
    private func isRepeat(_ producer: String, _ sequence: UInt64, _ known: inout ProducerSequences) -> Bool {
        withOrigin((producer, sequence)) { origin in
            guard let origin else { return false }
            return known.isRepeat(origin)
        }
    }

    @Test("A number that is not above the producer's last one is a repeat, a larger step is none")
    func numbers() {
        var known = ProducerSequences()
        let seen: [(UInt64, Bool)] = [
            (3, false), (3, true), (2, true), (0, true), (9, false), (8, true), (.max, false),
        ]
        for (sequence, expected) in seen { #expect(isRepeat("p", sequence, &known) == expected, "\(sequence)") }
        #expect(known.json == #"[["p",18446744073709551615]]"#)
    }

    @Test("Each producer has numbers of its own, however their records are interleaved")
    func interleaved() {
        var known = ProducerSequences()
        let seen: [(String, UInt64, Bool)] = [
            ("a", 1, false), ("ab", 1, false), ("a", 2, false), ("b", 1, false), ("ab", 1, true), ("a", 2, true),
            ("b", 2, false), ("ab", 2, false), ("a", 1, true),
        ]
        for (producer, sequence, expected) in seen {
            #expect(isRepeat(producer, sequence, &known) == expected, "\(producer) \(sequence)")
        }
        #expect(known.json == #"[["b",2],["ab",2],["a",2]]"#)
    }

    @Test("Beyond the limit the one that was silent for longest is forgotten, and no other")
    func limit() {
        var known = ProducerSequences()
        for number in 0..<16 { #expect(!isRepeat("p\(number)", 5, &known)) }
        #expect(isRepeat("p0", 5, &known))  // now the one that was seen last
        #expect(!isRepeat("new", 1, &known))
        #expect(known.entries.count == 16 && known.entries.first?.producer == Array("p2".utf8))
        #expect(isRepeat("p0", 5, &known) && isRepeat("p2", 5, &known))
        #expect(!isRepeat("p1", 5, &known))
    }

    @Test("A name that is none is neither kept nor a repeat")
    func invalid() {
        var known = ProducerSequences()
        for name in ["a\"b", "a\\b", "ü", "a\nb", String(repeating: "a", count: 256)] {
            #expect(!isRepeat(name, 1, &known) && !isRepeat(name, 1, &known))
        }
        #expect(known.entries.isEmpty && known.json == "[]")
    }
}
