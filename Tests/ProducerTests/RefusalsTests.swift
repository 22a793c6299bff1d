import Kafka
import Testing

@testable import Producer

@Suite("What brokers refuse for good")
struct RefusalsTests {
    @Test("A frame is given up when it was refused alone")
    func alone() {
        var refusals = Refusals()
        #expect(refusals.refused(5, .messageTooLarge, restampedUntil: 0, isAlone: false) == .isolate)
        #expect(refusals.refused(6, .invalidRecord, restampedUntil: 0, isAlone: false) == .isolate)
        #expect(refusals.givenUp.isEmpty)
        #expect(refusals.refused(6, .invalidRecord, restampedUntil: 0, isAlone: true) == .giveUp)
        #expect(refusals.givenUp == [6] && refusals.restampedUntil == 0)
        refusals.forget(below: 6)
        #expect(refusals.givenUp == [6])
        refusals.forget(below: 7)
        #expect(refusals.givenUp.isEmpty)
    }

    @Test("Frames are isolated up to the last one of the batch, until that is delivered")
    func isolation() {
        var refusals = Refusals()
        #expect(refusals.isolatedUntil == nil)
        for sequence in [6, 8, 7] as [UInt64] {
            #expect(refusals.refused(sequence, .invalidRecord, restampedUntil: 0, isAlone: false) == .isolate)
        }
        #expect(refusals.isolatedUntil == 8)
        #expect(refusals.refused(7, .invalidRecord, restampedUntil: 0, isAlone: true) == .giveUp)
        refusals.forget(below: 8)
        #expect(refusals.isolatedUntil == 8)
        refusals.forget(below: 9)
        #expect(refusals.isolatedUntil == nil)
    }

    @Test("A timestamp is replaced first, of all frames of the batch; only a replaced one is a reason to isolate")
    func timestamp() {
        var refusals = Refusals()
        for sequence in 5...7 as ClosedRange<UInt64> {
            #expect(refusals.refused(sequence, .invalidTimestamp, restampedUntil: 0, isAlone: true) == .restamp)
        }
        #expect(refusals.restampedUntil == 7 && refusals.givenUp.isEmpty)
        #expect(refusals.refused(6, .invalidTimestamp, restampedUntil: 7, isAlone: false) == .isolate)
        #expect(refusals.refused(8, .invalidTimestamp, restampedUntil: 7, isAlone: true) == .restamp)
        #expect(refusals.refused(6, .invalidTimestamp, restampedUntil: 8, isAlone: true) == .giveUp)
        #expect(refusals.restampedUntil == 8 && refusals.givenUp == [6])
    }
}
