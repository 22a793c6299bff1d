import ArgumentParser
import FoundationEssentials
import Logging
import Postgres
import Runtime

@main
struct LoaderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loader",
        abstract: "Loads clock hours of trades from TimescaleDB into BigQuery, each exactly once.",
        discussion: """
            Without arguments the previous hour is loaded, and those since the first loaded one that earlier runs \
            missed, did not finish or, within LOADER_LOOKBACK, that have changed since: run it a few minutes after \
            every full hour. Hours before the first that was ever loaded have to be named. \
            An hour is loaded when it is closed, that is when the consumer has passed its end in every \
            partition; after LOADER_CLOSE_TIMEOUT what is there is loaded provisionally. \
            Running an hour again changes nothing, unless rows have come since; then it is replaced. \
            Of an hour that the warehouse holds with more rows than the source (retention drops old \
            ones) nothing is changed, unless --replace says so. Hours of a table that was dropped are loaded again.

            EXAMPLES
              loader                                               what the last hours lack
              loader --hour 2026-01-01T05                          05:00 up to 06:00 UTC
              loader --from 2026-01-01T00 --to 2026-01-02T00       a day, hour by hour
              loader --schedule                                    what the last hours lack, and each hour when it is over

            A row that BigQuery cannot hold (more than 9 decimals, NaN, NULL) is kept in the table \
            warehouse_rejects with its reason; the hour is loaded without it. What is loaded is written \
            in the table warehouse_loads.

            EXIT CODES
              0 loaded or unchanged   64 usage   65 loaded, but rows were rejected
              69 not loaded: a service is unavailable; run again
              70 hours were not loaded for reasons of their own, as when the warehouse holds more
              than the source: see to them   78 settings, credentials, rights or tables
              128+n interrupted by signal n

            SETTINGS (environment variables, or lines of a .env file)
            \(settingsHelp(LoaderSettings.descriptions))
            """,
        version: version, subcommands: [CheckCommand<LoaderSettings>.self])

    @Option(help: "The hour to load, in UTC.", transform: hourArgument)
    var hour: ClockHour?

    @Option(help: "The first hour of a range.", transform: hourArgument)
    var from: ClockHour?

    @Option(help: "The hour behind the last of a range.", transform: hourArgument)
    var to: ClockHour?

    @Flag(
        help: """
            Publish what the source holds now, also when the warehouse holds more, or held more in a table that is \
            gone.
            """)
    var replace = false

    @Flag(
        help: """
            Stay: load each hour LOADER_SCHEDULE_DELAY after it is over, until SIGTERM. A run that fails is told \
            and does not end it. For where no timer is, as in a container.
            """)
    var schedule = false

    @OptionGroup var options: ServiceOptions

    static func main() async {
        giveLargeBlocksBack()
        await main(nil)
    }

    func validate() throws { _ = try namedHours() }

    func run() async throws {
        let hours = try namedHours()
        try await options.run(LoaderSettings.self) { settings, logger in
            let metrics = LoaderMetrics()
            // By hand beside the service, whose port it is.
            let place = hours == nil ? settings.admin : settings.admin.unlessTaken
            let admin = AdminServer(place, loaderPages(metrics), logger: logger)
            let (result, signal) = try await admin.serving {
                await interruptible(logger: logger, leaving: schedule ? .asked : .interrupted) {
                    try await work(hours, settings, metrics, logger)
                }
            }
            if schedule, signal != nil { return }
            if let failure = failure(of: result, signal: signal) { throw failure }
        }
    }
}

extension LoaderCommand {
    /// The number of rejected rows, when the work has an end.
    private func work(
        _ hours: [ClockHour]?, _ settings: LoaderSettings, _ metrics: LoaderMetrics, _ logger: Logger
    ) async throws -> Int {
        if schedule {
            try await ScheduledRuns(delay: settings.scheduleDelay, logger: logger).run { current in
                try await catchUp(to: current, settings, metrics, logger)
            }
        }
        guard let hours else {
            return try await catchUp(to: ClockHour(containing: .now), settings, metrics, logger)
        }
        return try await HourLoader.with(settings, replacing: replace, metrics: metrics, logger: logger) { loader in
            try await loader.loadAll(hours)
        }
    }

    /// Loads what the hours before `current` lack.
    private func catchUp(
        to current: ClockHour, _ settings: LoaderSettings, _ metrics: LoaderMetrics, _ logger: Logger
    ) async throws -> Int {
        try await HourLoader.with(settings, replacing: replace, metrics: metrics, logger: logger) { loader in
            try await loader.catchUp(current.advanced(by: -settings.lookbackHours)..<current)
        }
    }

    /// The hours that the arguments name; nil when they name none.
    func namedHours() throws -> [ClockHour]? {
        if schedule, hour != nil || from != nil || to != nil || replace {
            throw ValidationError("--schedule goes by the clock: give no hours and no --replace with it")
        }
        switch (hour, from, to) {
        case (let hour?, nil, nil): return [hour]
        case (nil, nil, nil): return nil
        case (nil, let from?, let to?):
            guard from < to else { throw ValidationError("--from must be before --to") }
            return Array(from..<to)
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

/// What the process says to whoever started it; nil when all is well.
///
/// - Parameter result: the number of rejected rows.
func failure(of result: Result<Int, any Error>, signal: Int32?) -> Failure? {
    switch (result, signal) {
    case (.success(0), _):
        nil
    case (.success(let rows), _):
        Failure(ExitStatus.dataError, "\(rows) rows were rejected: warehouse_rejects has them with their reasons")
    case (.failure, let signal?):
        Failure(128 + signal, "interrupted; run again to go on")
    case (.failure(let error as ConfigurationError), nil):
        Failure(ExitStatus.configuration, "\(error)")
    case (.failure(let error as PostgresError), nil) where error.sqlState == SQLState.insufficientPrivilege:
        Failure(
            ExitStatus.configuration,
            "TIMESCALEDB_USER: \(error). It needs SELECT on trade_data, kafka_offsets, gaps and completeness, and"
                + " SELECT, INSERT, UPDATE and DELETE on warehouse_loads and warehouse_rejects")
    case (.failure(let error as LoadError), nil):
        Failure(error.status, "not loaded: \(error)")
    case (.failure(let error as CredentialError), nil):
        Failure(error.mayPass ? ExitStatus.unavailable : ExitStatus.configuration, "not loaded: \(error)")
    case (.failure(let error as BigQueryError), nil):
        Failure(error.exitStatus, "not loaded: \(error)")
    case (.failure(let error), nil):
        Failure(ExitStatus.unavailable, "not loaded: \(error)")
    }
}

extension BigQueryError {
    fileprivate var exitStatus: Int32 {
        if isWorthAnotherJob { return ExitStatus.unavailable }
        return concernsOneHour ? ExitStatus.software : ExitStatus.configuration
    }
}
