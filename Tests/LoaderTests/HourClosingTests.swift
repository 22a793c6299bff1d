import Testing

@testable import Loader

@Suite("Closed hours")
struct HourClosingTests {
    private let hour = LoadRig.hour
    private var end: Int { hour.endSeconds }

    private func closing(_ partitions: PartitionProgress...) -> HourClosing {
        HourClosing(of: hour, .partitions(partitions), current: hour.next)
    }

    @Test("The end of an hour is the first instant of the next")
    func firstInstantBehind() {
        #expect(ClockHour(number: 0).endSeconds == 3_600)
    }

    @Test("An hour is closed when each partition has a trade behind its end, or was caught up then")
    func closed() {
        #expect(closing(PartitionProgress(partition: 0, lastEventSeconds: end)) == .closed)
        #expect(closing(PartitionProgress(partition: 0, caughtUpSeconds: end)) == .closed)
        #expect(
            closing(
                PartitionProgress(partition: 0, lastEventSeconds: end + 9, caughtUpSeconds: end - 9),
                PartitionProgress(partition: 1, lastEventSeconds: end - 9, caughtUpSeconds: end + 9)) == .closed)
    }

    @Test("One partition that is behind by one second, or has no progress, keeps it open, and is named")
    func behind() {
        let done = PartitionProgress(partition: 0, lastEventSeconds: end)
        let late = PartitionProgress(partition: 1, lastEventSeconds: end - 1, caughtUpSeconds: end - 600)
        let empty = PartitionProgress(partition: 2)
        let closing = closing(done, late, empty)
        #expect(closing == .behind([late, empty]))
        #expect(
            closing.reason(for: hour) == "2 partitions are behind its end: 1 by 1 s, 2 has no progress yet")
    }

    @Test("Many partitions that are behind are not all named")
    func many() {
        let partitions = (0..<50).map { PartitionProgress(partition: $0, lastEventSeconds: end - 1_200) }
        let reason = HourClosing(of: hour, .partitions(partitions), current: hour.next).reason(for: hour)
        #expect(reason?.hasPrefix("50 partitions are behind its end: 0 by 20 min, 1 by 20 min, ") == true)
        #expect(reason?.hasSuffix("7 by 20 min and others") == true)
    }

    @Test("A topic that the database does not know closes nothing")
    func unknownTopic() {
        #expect(closing() == .unknownTopic)
        #expect(closing().reason(for: hour)?.contains("KAFKA_TOPIC") == true)
    }

    @Test(
        "Without the consumer's times the clock alone decides", arguments: [ConsumerProgress.unrecorded, .withoutTimes])
    func clockAlone(progress: ConsumerProgress) {
        #expect(HourClosing(of: hour, progress, current: hour.next) == .closed)
        #expect(HourClosing(of: hour, progress, current: hour) == .notOver)
    }

    @Test("An hour that the clock has not passed is open, whatever a partition says")
    func notOver() {
        let ahead = PartitionProgress(partition: 0, lastEventSeconds: end + 1)
        #expect(HourClosing(of: hour, .partitions([ahead]), current: hour) == .notOver)
    }
}

@Suite("Waiting for hours to be closed")
struct ClosingWatchTests {
    private let hour = LoadRig.hour

    private func waits(_ watch: inout ClosingWatch, _ closing: HourClosing) -> [Duration] {
        var waits: [Duration] = []
        while case .wait(let duration, _) = watch.step(closing, of: hour), waits.count < 100 { waits.append(duration) }
        return waits
    }

    @Test("The waits add up to the limit, for all hours together")
    func bounded() {
        var watch = ClosingWatch(limit: .milliseconds(2_500))
        #expect(waits(&watch, .unknownTopic) == [.seconds(1), .seconds(1), .milliseconds(500)])
        #expect(waits(&watch, .unknownTopic) == [])
        #expect(
            watch.step(.unknownTopic, of: hour) == .giveUp(reason: HourClosing.unknownTopic.reason(for: hour) ?? ""))
    }

    @Test("A closed hour and one that goes on cost no time")
    func free() {
        var watch = ClosingWatch(limit: .seconds(1))
        #expect(watch.step(.closed, of: hour) == .closed)
        #expect(watch.step(.notOver, of: hour) == .giveUp(reason: "the hour is not over"))
        #expect(watch == ClosingWatch(limit: .seconds(1)))
    }

    @Test("Without patience an open hour is given up at once, and a closed one is closed")
    func impatient() {
        var watch = ClosingWatch(limit: .zero)
        #expect(watch.step(.closed, of: hour) == .closed)
        #expect(waits(&watch, .unknownTopic) == [])
    }
}
