import Logging
import Postgres
import Runtime

/// The connection to the database, through all its absences: opened when it is needed, dropped when
/// it fails, and tried again with longer and longer waits, for ever.
struct DatabaseLink: ~Copyable {
    private let settings: ConsumerSettings
    private let heartbeat: Heartbeat
    private let logger: Logger
    private let clock = ContinuousClock()
    private var store: Store?
    private var failures = 0
    private var backoff = Backoff(base: .milliseconds(200), limit: .seconds(2))
    /// What is looked after once a process, not with every connection.
    private var hasExtras = false
    /// Since the last connection a lock was not to be had.
    private var waitedInVain = false
    /// When it may be tried again; nil when nothing failed.
    private(set) var nextAttempt: ContinuousClock.Instant?

    /// - Parameter heartbeat: of the loop that uses it.
    init(_ settings: ConsumerSettings, _ heartbeat: Heartbeat, logger: Logger) {
        self.settings = settings
        self.heartbeat = heartbeat
        self.logger = logger
    }

    /// Runs `body` on an open connection.
    ///
    /// - Returns: nil when the database is away or failed in a way that passes by itself; it was
    ///   logged, and ``nextAttempt`` says when to come again.
    /// - Throws: ``Failure`` when only a person can mend it.
    mutating func use<Result>(
        _ body: (inout Store) throws(PostgresError) -> Result
    ) throws(Failure) -> Result? {
        if let nextAttempt, clock.now < nextAttempt { return nil }
        do throws(PostgresError) {
            var store = try takeStore()
            let result = try body(&store)
            self.store = consume store
            nextAttempt = nil
            failures = 0
            return result
        } catch {
            // The connection went with the failure, whatever state it was in.
            // Cancelled is what a consumer that was stopped in the middle of its rows finds.
            guard error.isRetriable || error.sqlState == SQLState.queryCanceled else { throw refusal(error) }
            failures += 1
            if error.sqlState == SQLState.lockNotAvailable { waitedInVain = true }
            waitBeforeNextUse()
            // A server that restarts is back by then; a wrong password or certificate looks the same
            // to libpq and never mends itself, so somebody has to be told.
            logger.log(
                level: failures < Self.patience ? .warning : .error, "the database is away: trying again",
                metadata: ["database.error": "\(error)", "database.failures": "\(failures)"])
            return nil
        }
    }

    /// Forgets what was sent of a batch that is not to be written.
    mutating func abandon() {
        guard var store = store.take() else { return }
        // A connection that fails is gone, and the next use opens another one.
        guard (try? store.abandon()) != nil else { return }
        self.store = consume store
    }

    /// Failures in a row that are taken for a restart.
    private static let patience = 10

    private func refusal(_ error: PostgresError) -> Failure {
        switch error.sqlState {
        case SQLState.datatypeMismatch, SQLState.insufficientPrivilege:
            Failure(ExitStatus.configuration, error.message)
        default: Failure(ExitStatus.unavailable, "the database refuses: \(error)")
        }
    }

    /// True from a failure until something succeeds.
    var isAway: Bool { failures > 0 }

    /// Makes ``use(_:)`` return nil for a while.
    mutating func waitBeforeNextUse() { nextAttempt = clock.now + backoff.next() }

    /// Work got done: the next failure waits as little as the first one did.
    mutating func succeeded() { backoff.reset() }

    private mutating func takeStore() throws(PostgresError) -> Store {
        if let store = store.take() { return store }
        return try open()
    }

    private mutating func open() throws(PostgresError) -> Store {
        var configuration = settings.database
        configuration.onAnswer = { [heartbeat] in heartbeat.beat() }
        let connection = try PostgresConnection(configuration)
        if waitedInVain {
            try StalledConsumers.end(after: settings.copyLimit, in: connection, logger: logger)
            waitedInVain = false
        }
        try Schema.create(in: connection, chunkInterval: settings.chunkInterval, logger: logger)
        if !hasExtras {
            try Schema.createExtras(in: connection, policies: settings.agePolicies, logger: logger)
            hasExtras = true
        }
        logger.info(
            "connected to the database",
            metadata: ["database.host": "\(settings.database.host)", "database.name": "\(settings.database.database)"])
        return Store(connection, topics: settings.topics)
    }
}
