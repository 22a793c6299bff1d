import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import Postgres
import Runtime

@main
struct LoaderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loader",
        abstract: "Loads clock hours of trades from TimescaleDB into BigQuery, each exactly once.",
        discussion: """
            Without arguments the previous hour is loaded: run it a few minutes after every full hour. \
            Running an hour again changes nothing, unless rows have come since; then it is replaced.

            EXAMPLES
              loader                                               the previous hour
              loader --hour 2026-01-01T05                          05:00 up to 06:00 UTC
              loader --from 2026-01-01T00 --to 2026-01-02T00       a day, hour by hour

            A row that BigQuery cannot hold (more than 9 decimals, NaN, NULL) is kept in the table \
            warehouse_rejects with its reason; the hour is loaded without it. What is loaded is written \
            in the table warehouse_loads.

            EXIT CODES
              0 loaded or unchanged   64 usage   65 loaded, but rows were rejected
              69 not loaded: a service is unavailable; run again   78 settings
              128+n interrupted by signal n

            SETTINGS (environment variables, or lines of a .env file)
            \(settingsHelp(LoaderSettings.descriptions))
            """,
        version: "0.1.0")

    @Option(help: "The hour to load, in UTC.", transform: hourArgument)
    var hour: ClockHour?

    @Option(help: "The first hour of a range.", transform: hourArgument)
    var from: ClockHour?

    @Option(help: "The hour behind the last of a range.", transform: hourArgument)
    var to: ClockHour?

    @Option(name: .customLong("env-file"), help: "A file of settings. Default: .env, if there is one.")
    var settingsFile: String?

    func validate() throws { _ = try hours(now: .now) }

    func run() async throws {
        do {
            let environment = try Environment.current(file: settingsFile)
            let settings = try LoaderSettings(in: environment)
            let level = try logLevelSetting.value(in: environment)
            let logger = Logger(label: "loader") { LineLogHandler(label: $0, level: level) }
            let hours = try hours(now: .now)
            let (result, signal) = await runUntilSignal(logger: logger) {
                try await HourLoader.with(settings, logger: logger) { try await $0.loadAll(hours) }
            }
            if case .failure(let error) = result, signal == nil {
                logger.error("not loaded", metadata: ["error.message": "\(error)"])
            }
            try leave(exitStatus(result, signal: signal))
        } catch let error as ConfigurationError {
            var line = "loader: \(error)\n"
            line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
            try leave(ExitStatus.configuration)
        }
    }

    private func leave(_ status: Int32) throws {
        if status != 0 { throw ExitCode(status) }
    }
}

extension LoaderCommand {
    /// The hours that the arguments name.
    func hours(now: Date) throws -> [ClockHour] {
        switch (hour, from, to) {
        case (let hour?, nil, nil): return [hour]
        case (nil, nil, nil): return [ClockHour(containing: now).previous]
        case (nil, let from?, let to?):
            guard from < to else { throw ValidationError("--from must be before --to") }
            return (from.number..<to.number).map { ClockHour(number: $0) }
        default: throw ValidationError("give either --hour, or both --from and --to, or nothing")
        }
    }
}

@Sendable
private func hourArgument(_ text: String) throws -> ClockHour {
    guard let hour = ClockHour(text) else {
        throw ValidationError("'\(text)' is not an hour in UTC, such as 2026-01-01T05")
    }
    return hour
}

/// What the process says to whoever started it.
func exitStatus(_ result: Result<Int, any Error>, signal: Int32?) -> Int32 {
    switch result {
    case .success(let rejectedRows):
        rejectedRows > 0 ? ExitStatus.dataError : 0
    case .failure(let error):
        if let signal {
            128 + signal
        } else {
            error is ConfigurationError ? ExitStatus.configuration : ExitStatus.unavailable
        }
    }
}
