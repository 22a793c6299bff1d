import Runtime
import Testing

@testable import Loader

@Suite("Hours that a run passes over")
struct FailedHoursTests {
    private let hour = LoadRig.hour
    private let current = LoadRig.hour.advanced(by: 10)

    private func failed(_ count: Int, retryFrom: ClockHour) -> FailedHours {
        FailedHours(
            remembered: [hour: HourFailure(count: count, retryFrom: retryFrom, reason: "no")], current: current)
    }

    @Test("What ends a run that passed hours over says each of them, and is for a person")
    func failures() {
        var failed = FailedHours(remembered: [:], current: current)
        #expect(failed.error == nil)
        _ = failed.append(hour.next, LoadError("gone", status: ExitStatus.software))
        #expect(failed.error?.description == "gone" && failed.error?.status == ExitStatus.software)
        _ = failed.append(hour, BigQueryError(status: 400, message: "no"))
        #expect(failed.error?.description == "2 hours. 2026-01-01T05: BigQuery answered 400: no. Also 2026-01-01T06")
        #expect(failed.error?.status == ExitStatus.software)
    }

    @Test("A run is worth repeating only when jobs that lost against others' statements are all that failed in it")
    func repeated() {
        let lost = BigQueryError(status: 200, reason: "invalidQuery", message: "Could not serialize access")
        var failed = FailedHours(remembered: [:], current: current)
        for hour in [hour, hour.next] {
            _ = failed.append(hour, lost)
            #expect(failed.error?.status == ExitStatus.unavailable)
        }
        var mixed = failed
        _ = mixed.append(hour.advanced(by: 2), LoadError("no"))
        #expect(mixed.error?.status == ExitStatus.software)
        var early = self.failed(3, retryFrom: current.next)
        _ = early.leaveAlone([hour])
        _ = early.append(hour.next, lost)
        #expect(early.error?.status == ExitStatus.software)
    }

    @Test("With each failure in a row the next try is later, at most by a day")
    func pauses() {
        #expect((1...8).map(HourFailure.pauseHours) == [0, 1, 3, 7, 15, 24, 24, 24])
        #expect(HourFailure.pauseHours(after: .max) == 24)
        var failed = failed(2, retryFrom: current)
        let third = HourFailure(count: 3, retryFrom: current.advanced(by: 3), reason: "again")
        #expect(failed.append(hour, LoadError("again")) == third)
        #expect(failed.append(hour.next, LoadError("first")).retryFrom == current)
    }

    @Test("An hour is left alone until its time has come, and ends the run with its reason all the same")
    func leftAlone() {
        var early = failed(3, retryFrom: current.next)
        #expect(early.isLeftAlone(hour) && !early.isLeftAlone(hour.next))
        #expect(early.leaveAlone([hour, hour.next]).map(\.hour) == [hour])
        #expect(early.error?.description == "no" && early.error?.status == ExitStatus.software)
        var due = failed(3, retryFrom: current)
        #expect(!due.isLeftAlone(hour) && due.leaveAlone([hour]).isEmpty && due.error == nil)
    }

    @Test("What is away is so for every hour; what is wrong with one need not be with the next")
    func concerns() {
        #expect(FailedHours.concernsOneHour(LoadError("no")))
        #expect(!FailedHours.concernsOneHour(LoadError("a wrong setting", concernsOneHour: false)))
        #expect(FailedHours.concernsOneHour(BigQueryError(status: 400, message: "no")))
        for status in [nil, 401, 403, 404, 429, 503] {
            #expect(!FailedHours.concernsOneHour(BigQueryError(status: status, message: "no")))
        }
        for (reason, isItsOwn) in [
            ("invalidQuery", true), ("resourcesExceeded", true), (nil, true), ("accessDenied", false),
            ("billingNotEnabled", false), ("notFound", false), ("jobBackendError", false), ("quotaExceeded", false),
        ] {
            let error = BigQueryError(status: 200, reason: reason, message: "no")
            #expect(FailedHours.concernsOneHour(error) == isItsOwn, "\(reason ?? "no reason")")
        }
        #expect(!FailedHours.concernsOneHour(CancellationError()))
    }
}
