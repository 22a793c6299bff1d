import TestSupport
import Testing

@testable import Producer

@Suite("A number with its checksum")
struct CheckedNumberTests {
    private let places = SpoolState.Field.allCases.map(\.rawValue)
    private let numbers: [UInt64] = [0, 1, 1_048_577, 1_767_225_600_000_000, CheckedNumber.largest]

    @Test("It is read as it was written; one that is too large is the largest")
    func roundTrip() {
        for place in places {
            for number in numbers {
                let word = CheckedNumber.word(number, place: place)
                #expect(CheckedNumber.number(word) == number && CheckedNumber.isWhole(word, place: place))
            }
            #expect(CheckedNumber.number(CheckedNumber.word(.max, place: place)) == CheckedNumber.largest)
        }
    }

    @Test("Every change of one bit, of two and of three is found")
    func flips() {
        let bits = (0..<64).map { UInt64(1) << $0 }
        for place in places {
            let word = CheckedNumber.word(1_048_577, place: place)
            var missed = 0
            func look(_ change: UInt64) { if CheckedNumber.isWhole(word ^ change, place: place) { missed += 1 } }
            for first in 0..<64 {
                look(bits[first])
                for second in 0..<first {
                    look(bits[first] | bits[second])
                    for third in 0..<second { look(bits[first] | bits[second] | bits[third]) }
                }
            }
            #expect(missed == 0)
        }
    }

    @Test("A word of zeroes or ones is no number, and a number of another place is none of this one")
    func strangers() {
        for place in places {
            #expect(!CheckedNumber.isWhole(0, place: place) && !CheckedNumber.isWhole(.max, place: place))
            for other in places where other != place {
                for number in numbers {
                    #expect(!CheckedNumber.isWhole(CheckedNumber.word(number, place: other), place: place))
                }
            }
        }
    }

    @Test("Of random words all but one in some thousand are none")
    func random() {
        var generator = SplitMix64(seed: 1)
        let count = (0..<100_000).count { _ in
            CheckedNumber.isWhole(.random(in: .min ... .max, using: &generator), place: 0)
        }
        #expect(count < 50)
    }
}
