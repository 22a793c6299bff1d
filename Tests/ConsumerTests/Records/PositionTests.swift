import Kafka
import Testing

@testable import Consumer

@Suite("A partition's position")
struct PositionTests {
    private func position(stored: Int64? = nil) -> Position {
        Position(
            TopicPartition(topic: "t", partition: 0),
            stored: stored.map { StoredPosition(nextOffset: $0, producers: ProducerSequences()) })
    }

    private func end(_ offset: Int64, from: Int64, at time: UInt64) -> PartitionEnd {
        PartitionEnd(offset: offset, askedFrom: from, askedAtMicroseconds: time)
    }

    private func pass(_ offset: Int64, _ position: inout Position, isNew: Bool = true) {
        let passed = position.pass(offset)
        #expect(passed == isNew)
    }

    @Test("It has caught up with an end when every offset below it goes into the database, and not before")
    func caughtUp() {
        var position = position(stored: 5)
        position.learn(end(7, from: 5, at: 100))
        #expect(!position.hasNews && position.caughtUpMicroseconds == nil)
        pass(5, &position)
        #expect(position.caughtUpMicroseconds == nil)
        pass(6, &position)
        #expect(position.caughtUpMicroseconds == 100 && position.next == 7)
        position.written()
        #expect(position.caughtUpMicroseconds == nil && !position.hasNews && position.stored == 7)
    }

    @Test("What producers had settled when the end was asked for is recorded with it, and not what they told since")
    func recorded() {
        var position = position(stored: 5)
        position.learn(
            PartitionEnd(offset: 7, askedFrom: 5, askedAtMicroseconds: 100, settledMicroseconds: 90))
        pass(5, &position)
        position.isSettled(until: 95)
        position.isSettled(until: 93)
        #expect(position.recordedMicroseconds == nil && position.settledMicroseconds == 95)
        pass(6, &position)
        #expect(position.recordedMicroseconds == 90)
        position.written()
        #expect(position.recordedMicroseconds == nil && position.settledMicroseconds == nil)
    }

    @Test("The first record that a producer received is the batch's beginning, in whatever order they come")
    func firstReceived() {
        var position = position(stored: 5)
        #expect(position.firstReceivedMicroseconds == nil)
        for time: UInt64 in [70, 50, 60] { position.wasReceived(at: time) }
        #expect(position.firstReceivedMicroseconds == 50)
        pass(5, &position)
        position.written()
        #expect(position.firstReceivedMicroseconds == nil)
    }

    @Test("A partition that is empty has caught up at once, and has a row to say so")
    func empty() {
        var position = position()
        position.learn(end(0, from: 0, at: 100))
        #expect(position.hasNews && position.caughtUpMicroseconds == 100 && position.stored == nil)
        position.written()
        #expect(position.stored == 0)
    }

    @Test("Offsets without records at the end are passed when Kafka says that it is the end")
    func withoutRecords() {
        var position = position()
        position.learn(end(9, from: 0, at: 100))
        pass(6, &position)
        #expect(position.caughtUpMicroseconds == nil)
        position.reachedEnd(at: 9)
        #expect(position.caughtUpMicroseconds == 100)
        position.written()
        pass(8, &position, isNew: false)
        pass(9, &position)
        #expect(position.stored == 9)
        position.reachedEnd(at: 4)
        #expect(position.next == 10)
    }

    @Test("Of two ends the older one is kept until it is reached; reached ones give the later time")
    func twoEnds() {
        var position = position()
        position.learn(end(3, from: 0, at: 100))
        position.learn(end(9, from: 0, at: 200))
        for offset: Int64 in 0..<3 { pass(offset, &position) }
        #expect(position.caughtUpMicroseconds == 100)
        position.learn(end(3, from: 3, at: 300))
        #expect(position.caughtUpMicroseconds == 300)
        position.learn(end(9, from: 3, at: 400))
        #expect(position.caughtUpMicroseconds == 300)
    }

    @Test("The end of a topic that was made anew says nothing")
    func otherTopic() {
        var position = position(stored: 100)
        position.learn(end(5, from: 100, at: 100))
        #expect(position.caughtUpMicroseconds == nil && !position.hasNews)
        // Asked before the batch got that far.
        pass(100, &position)
        position.learn(end(100, from: 100, at: 200))
        #expect(position.caughtUpMicroseconds == 200)
    }
}
