import Foundation
import Logging
import Synchronization
import Testing

@testable import Loader

@Suite("The schedule of the hours")
struct HourlyScheduleTests {
    private let hour = LoadRig.hour

    /// So many seconds after the hour began.
    private func time(_ seconds: Double) -> Date {
        Date(timeIntervalSince1970: Double(hour.number) * 3_600 + seconds)
    }

    private func hour(_ offset: Int) -> ClockHour { hour.advanced(by: offset) }

    @Test("At its start it runs at once, for the hours that are over for the delay")
    func start() {
        let schedule = HourlySchedule(delay: .seconds(300))
        #expect(schedule.step(at: time(299)) == .run(current: hour(-1)))
        #expect(schedule.step(at: time(300)) == .run(current: hour))
        #expect(schedule.step(at: time(3_599)) == .run(current: hour))
        #expect(HourlySchedule(delay: .zero).step(at: time(0)) == .run(current: hour))
    }

    @Test("Then it runs when the next hour is over for the delay, and not before")
    func next() {
        var schedule = HourlySchedule(delay: .seconds(300))
        schedule.began(hour)
        schedule.succeeded()
        #expect(schedule.step(at: time(301)) == .wait(.seconds(30)))
        #expect(schedule.step(at: time(3_890)) == .wait(.seconds(10)))
        #expect(schedule.step(at: time(3_900)) == .run(current: hour(1)))
        #expect(schedule.nextRun == time(3_900))
    }

    @Test("A run that takes hours is followed by one for all that were over meanwhile")
    func longRun() {
        var schedule = HourlySchedule(delay: .seconds(300))
        schedule.began(hour)
        schedule.succeeded()
        #expect(schedule.step(at: time(4 * 3_600 + 400)) == .run(current: hour(4)))
    }

    @Test("After a failure it tries again after a minute, then ever later, and when the next hour is over")
    func retries() {
        var schedule = HourlySchedule(delay: .seconds(300))
        var now = 300.0
        schedule.began(hour)
        for wait in [60.0, 120, 240, 480, 900, 900] {
            schedule.failed(at: time(now))
            #expect(schedule.step(at: time(now + wait - 1)) == .wait(.seconds(1)))
            #expect(schedule.step(at: time(now + wait)) == .run(current: hour))
            now += wait
            schedule.began(hour)
        }
        schedule.failed(at: time(3_890))
        #expect(schedule.nextRun == time(3_900))
        #expect(schedule.step(at: time(3_900)) == .run(current: hour(1)))
        schedule.began(hour(1))
        schedule.succeeded()
        #expect(schedule.step(at: time(3_950)) == .wait(.seconds(30)))
        schedule.failed(at: time(4_000))
        #expect(schedule.nextRun == time(4_060))
    }

    @Test("A clock that is set back waits for its time; one that is set forward runs at once")
    func clockSet() {
        var schedule = HourlySchedule(delay: .seconds(300))
        schedule.began(hour)
        schedule.succeeded()
        #expect(schedule.step(at: time(-7_200)) == .wait(.seconds(30)))
        #expect(schedule.step(at: time(30 * 3_600 + 300)) == .run(current: hour(30)))
    }

    /// A clock that only waiting moves.
    private final class TestClock: Sendable {
        let seconds: Mutex<Double>
        let end: Double
        init(from start: Double, to end: Double) {
            seconds = Mutex(start)
            self.end = end
        }
    }

    /// The hours before which runs loaded, until the clock reaches `end`.
    private func runs(
        from start: Double, to end: Double, _ load: @escaping @Sendable (Int) throws -> Int
    ) async -> [ClockHour] {
        let clock = TestClock(from: start, to: end)
        let loaded = Mutex<[ClockHour]>([])
        let hour = hour
        var runs = ScheduledRuns(delay: .seconds(300), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        runs.now = {
            Date(timeIntervalSince1970: clock.seconds.withLock { $0 } + Double(hour.number) * 3_600)
        }
        runs.sleep = { duration in
            let now = clock.seconds.withLock { seconds in
                seconds += duration / .seconds(1)
                return seconds
            }
            if now >= clock.end { throw CancellationError() }
        }
        let isOver = await #expect(throws: CancellationError.self) {
            try await runs.run { current in
                let count = loaded.withLock { hours in
                    hours.append(current)
                    return hours.count
                }
                return try load(count)
            }
        }
        _ = isOver
        return loaded.withLock { $0 }
    }

    @Test("Each hour is loaded once when it is over; rejected rows do not stop it")
    func hours() async {
        #expect(await runs(from: 0, to: 3 * 3_600) { _ in 3 } == [hour(-1), hour, hour(1), hour(2)])
    }

    @Test("A run that fails is tried again, and never ends it")
    func failures() async {
        let hours = await runs(from: 400, to: 3_900 + 100) { count in
            if count <= 3 { throw LoadError("away") }
            return 0
        }
        #expect(hours == [hour, hour, hour, hour, hour(1)])
    }
}
