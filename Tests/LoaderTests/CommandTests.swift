import ArgumentParser
import Foundation
import Runtime
import Testing

@testable import Loader

@Suite("Command line")
struct CommandTests {
    private func hours(_ arguments: String...) throws -> [String]? {
        let command = try #require(try LoaderCommand.parseAsRoot(arguments) as? LoaderCommand)
        return try command.namedHours()?.map(\.description)
    }

    @Test("Without arguments no hour is named: the run looks for itself")
    func nothingNamed() throws {
        #expect(try hours() == nil)
    }

    @Test("One hour, or a range without its end")
    func ranges() throws {
        #expect(try hours("--hour", "2026-01-01T05:00:00Z") == ["2026-01-01T05"])
        #expect(
            try hours("--from", "2025-12-31T23", "--to", "2026-01-01T02")
                == ["2025-12-31T23", "2026-01-01T00", "2026-01-01T01"])
    }

    @Test(
        "Arguments that contradict each other are a usage error",
        arguments: [
            ["--from", "2026-01-01T00"], ["--to", "2026-01-01T00"],
            ["--hour", "2026-01-01T00", "--from", "2026-01-01T00", "--to", "2026-01-01T01"],
            ["--from", "2026-01-01T01", "--to", "2026-01-01T01"], ["--hour", "yesterday"],
            ["--schedule", "--hour", "2026-01-01T00"], ["--schedule", "--replace"],
        ])
    func contradictions(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try LoaderCommand.parseAsRoot(arguments) }
        #expect(error.map { LoaderCommand.exitCode(for: $0).rawValue } == 64)
    }

    @Test("Only --replace replaces an hour by fewer rows")
    func replace() throws {
        func replaces(_ arguments: [String]) throws -> Bool {
            try #require(try LoaderCommand.parseAsRoot(arguments) as? LoaderCommand).replace
        }
        #expect(try !replaces(["--hour", "2026-01-01T05"]))
        #expect(try replaces(["--hour", "2026-01-01T05", "--replace"]))
    }

    @Test("The exit code tells rejected rows from hours that are not loaded")
    func exitCodes() {
        #expect(failure(of: .success(0), signal: nil)?.status == nil)
        #expect(failure(of: .success(1), signal: nil)?.status == 65)
        #expect(failure(of: .failure(LoadError("no")), signal: nil)?.status == 69)
        #expect(failure(of: .failure(ConfigurationError("no")), signal: nil)?.status == 78)
        #expect(failure(of: .failure(CancellationError()), signal: 15)?.status == 143)
    }

    @Test("What waiting does not mend is 78, so that no unit repeats it; what may pass is 69; one hour's own is 70")
    func exitCodesOfBigQuery() {
        func status(_ error: any Error) -> Int32? { failure(of: .failure(error), signal: nil)?.status }
        func bigQuery(_ status: Int?, _ reason: String? = nil) -> BigQueryError {
            BigQueryError(status: status, reason: reason, message: "no")
        }
        #expect(status(CredentialError("no")) == 78)
        #expect(status(CredentialError("nobody answers", mayPass: true)) == 69)
        for error in [
            bigQuery(401, "authError"), bigQuery(403, "accessDenied"), bigQuery(403, "billingNotEnabled"),
            bigQuery(404, "notFound"), bigQuery(200, "accessDenied"), bigQuery(301),
        ] { #expect(status(error) == 78, "\(error)") }
        for error in [
            bigQuery(nil), bigQuery(503, "backendError"), bigQuery(403, "rateLimitExceeded"),
            bigQuery(403, "quotaExceeded"), bigQuery(200, "jobBackendError"), bigQuery(200, "invalidQuery"),
            bigQuery(200, "tableUnavailable"),
        ] { #expect(status(error) == 69, "\(error)") }
        for error in [
            bigQuery(400, "invalid"), bigQuery(413), bigQuery(200, "resourcesExceeded"), bigQuery(400, "invalidQuery"),
        ] {
            #expect(status(error) == 70, "\(error)")
        }
    }

    @Test("The help has every setting")
    func help() {
        let help = LoaderCommand.helpMessage()
        for setting in LoaderSettings.descriptions { #expect(help.contains(setting.name)) }
    }

    @Test("The bar fills with the hours")
    func bar() {
        #expect(Progress.bar(done: 0, total: 4, width: 4) == "[....] 0/4 hours")
        #expect(Progress.bar(done: 3, total: 4, width: 4) == "[###.] 3/4 hours")
    }

    @Test("The unchanged hours are one line, or none")
    func unchangedLine() throws {
        let hours = LoadRig.hour..<LoadRig.hour.advanced(by: 3)
        let one = SourceTotals(fitting: LoadTotals(rows: 1))
        let known = RememberedHour(isPublished: true, isProvisional: false, source: one)
        func line(_ unchanged: Int) -> String? {
            let first = hours.prefix(unchanged)
            return CatchUp(
                of: hours, source: Dictionary(uniqueKeysWithValues: first.map { ($0, one) }),
                ledger: Dictionary(uniqueKeysWithValues: first.map { ($0, known) })
            ) { _ in true }.unchangedLine(of: hours)
        }
        #expect(line(0) == nil)
        #expect(line(1) == "2026-01-01T05 up to 2026-01-01T08  1 hour unchanged")
        #expect(line(2) == "2026-01-01T05 up to 2026-01-01T08  2 hours unchanged")
    }

    @Test("The line of an hour names hour, rows, rejects, outcome and seconds")
    func line() throws {
        var report = HourReport(
            hour: try #require(ClockHour("2026-01-01T05")), outcome: .published, rows: 51_000, rejectedRows: 2)
        #expect(
            report.line(elapsed: .milliseconds(1_390)) == "2026-01-01T05  51000 rows  2 rejected  published  1.3 s")
        report.isProvisional = true
        #expect(
            report.line(elapsed: .milliseconds(1_390))
                == "2026-01-01T05  51000 rows  2 rejected  published, provisional: the hour was not closed  1.3 s")
        report.isProvisional = false
        report.knownGaps = KnownGaps(seconds: 0, incompleteMarkets: 0)
        #expect(report.line(elapsed: .zero) == "2026-01-01T05  51000 rows  2 rejected  published  0.0 s")
        report.knownGaps = KnownGaps(seconds: 12, incompleteMarkets: 3)
        #expect(
            report.line(elapsed: .zero)
                == "2026-01-01T05  51000 rows  2 rejected  published, gap 12 s, 3 markets miss volume  0.0 s")
    }
}
