import FoundationEssentials
import Logging
import Market
import Postgres
import Runtime

/// The loader's memory, in the source database: which hours the warehouse holds, and the rows that
/// it could not hold.
///
/// It owns a connection on a thread of its own, and through it the lock that keeps two loaders from
/// loading into one table at once. The server lets go of the lock when the connection ends, however
/// it ends.
actor Ledger {
    private nonisolated let thread: DedicatedThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    let connection: PostgresConnection
    let table: String
    /// False for a ledger of an older version to which its owner has yet to add columns.
    private(set) var isUpToDate = true

    /// Connects, creates the ledger's tables when they are missing, and waits for the lock.
    static func open(
        _ configuration: PostgresConfiguration, table: String, lockTimeout: Duration, logger: Logger
    ) async throws -> Ledger {
        let thread = DedicatedThread(name: "ledger")
        let ledger = try await thread.run { try Ledger(configuration, table: table, thread: thread) }
        try await ledger.requireSource()
        try await ledger.prepare()
        try await ledger.addMissingColumns(logger: logger)
        try await ledger.lock(timeout: lockTimeout, logger: logger)
        return ledger
    }

    private init(_ configuration: PostgresConfiguration, table: String, thread: DedicatedThread) throws {
        connection = try PostgresConnection(configuration)
        self.table = table
        self.thread = thread
    }

    /// Refuses a database that is not the consumer's, before anything is created in it.
    private func requireSource() throws {
        guard try connection.lacksRelation("trade_data") else { return }
        throw LoadError("there is no table trade_data. The consumer creates it; is TIMESCALEDB_DBNAME right?")
    }

    /// Creates what is missing of the ledger's tables.
    ///
    /// It looks before it creates: `CREATE TABLE IF NOT EXISTS` wants the right to create also when there
    /// is nothing to do, and since PostgreSQL 15 not every role has it.
    private func prepare() throws {
        guard try LedgerEntry.schema.contains(where: { try connection.lacksRelation($0.name) }) else { return }
        // Two loaders that both find no table would otherwise both create it, and one would fail. The
        // lock lasts as long as the transaction; a connection that fails in it ends it by closing.
        try connection.execute("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('warehouse_loads', 0))")
        for (name, statement) in LedgerEntry.schema where try connection.lacksRelation(name) {
            try connection.execute(statement)
        }
        try connection.execute("COMMIT")
    }

    /// Brings a ledger of an older version up to date. Only its owner can; hours are loaded all the same.
    private func addMissingColumns(logger: Logger) throws {
        let columns = LedgerEntry.addedColumns
        let names = columns.map { "'\($0.name)'" }.joined(separator: ", ")
        let found = try connection.query(
            """
            SELECT 1 FROM pg_attribute WHERE attrelid = 'warehouse_loads'::regclass
                AND attname IN (\(names)) AND NOT attisdropped
            """)
        if found.rowCount == columns.count { return }
        let additions = columns.map { "ADD COLUMN IF NOT EXISTS \($0.name) \($0.type)" }.joined(separator: ", ")
        do {
            try connection.execute("ALTER TABLE warehouse_loads \(additions)")
        } catch {
            guard error.sqlState == SQLState.insufficientPrivilege else { throw error }
            isUpToDate = false
            logger.warning(
                """
                the ledger is of an older version and only its owner can add what it lacks: gaps are not noted, and \
                hours that fail are tried by every run
                """,
                metadata: ["statement": "ALTER TABLE warehouse_loads \(additions)"])
        }
    }

    private func lock(timeout: Duration, logger: Logger) throws {
        let key = "loader \(table)"
        let isFree = try connection.query(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 0))::int", [key]
        ).integer(0, 0)
        if isFree == 1 { return }
        logger.info(
            "another loader is at work, waiting for it",
            metadata: ["warehouse.table": "\(table)", "lock.timeout": "\(timeout)"])
        try connection.execute("SET lock_timeout = '\(timeout.components.seconds)s'")
        do {
            _ = try connection.query("SELECT pg_advisory_lock(hashtextextended($1, 0))", [key])
        } catch {
            guard error.sqlState == SQLState.lockNotAvailable else { throw error }
            throw LoadError("another loader has been loading into \(table) for \(timeout); not waiting any longer")
        }
        try connection.execute("SET lock_timeout = 0")
    }

    func entry(of hour: ClockHour) throws -> LedgerEntry? {
        let result = try connection.query(
            """
            SELECT state, load_id, to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), job_id,
                provisional::int, coalesce(rejected_rows, 0), coalesce(rows, 0), sum_price, sum_volume
            FROM warehouse_loads WHERE warehouse_table = $1 AND hour = $2
            """, [table, hour.start])
        guard let state = result.text(0, 0).flatMap({ LedgerEntry.State(rawValue: $0) }),
            let id = result.text(0, 1), let startedAt = result.text(0, 2)
        else { return nil }
        return LedgerEntry(
            state: state,
            load: Load(hour: hour, id: id, startedAt: startedAt, isProvisional: result.integer(0, 4) == 1),
            jobID: result.text(0, 3), totals: result.loadTotals(0, from: 6),
            rejectedRows: Int(result.integer(0, 5) ?? 0))
    }

    /// What it remembers of each of `hours`, as the source was then.
    ///
    /// A rejected row that `NUMERIC` could hold is one that BigQuery itself refused: the source counts it
    /// among those that fit, and so does this.
    func remembered(_ hours: Range<ClockHour>) throws -> [ClockHour: RememberedHour] {
        let result = try connection.query(
            """
            SELECT extract(epoch FROM loads.hour)::bigint / 3600, (state = 'published')::int, provisional::int,
                rejected_rows - refused.rows, loads.rows + refused.rows, sum_price + refused.price,
                sum_volume + refused.volume
            FROM warehouse_loads AS loads CROSS JOIN LATERAL (
                SELECT count(*) AS rows, coalesce(sum(price), 0) AS price, coalesce(sum(volume), 0) AS volume
                FROM warehouse_rejects AS rejects
                WHERE rejects.warehouse_table = loads.warehouse_table AND rejects.hour = loads.hour
                    AND rejects.load_id = loads.load_id AND \(SourceTotals.fits(price: "price", volume: "volume"))
                ) AS refused
            WHERE loads.warehouse_table = $1 AND loads.hour >= $2 AND loads.hour < $3
            """, [table, hours.lowerBound.start, hours.upperBound.start])
        var remembered: [ClockHour: RememberedHour] = [:]
        for row in 0..<result.rowCount {
            remembered[result.hour(row, 0)] = RememberedHour(
                isPublished: result.integer(row, 1) == 1, isProvisional: result.integer(row, 2) == 1,
                source: SourceTotals(
                    fitting: result.loadTotals(row, from: 4), unfitRows: Int(result.integer(row, 3) ?? 0)))
        }
        return remembered
    }

    /// Before the first row of a load is sent. The rejects of a load that did not come to its end go: of an
    /// hour that fails each time they would be kept each time.
    func begin(_ load: Load) throws {
        _ = try connection.query(
            """
            WITH abandoned AS (
                DELETE FROM warehouse_rejects AS rejects USING warehouse_loads AS loads
                WHERE loads.warehouse_table = $1 AND loads.hour = $2 AND loads.state <> 'published'
                    AND rejects.warehouse_table = $1 AND rejects.hour = $2 AND rejects.load_id = loads.load_id)
            INSERT INTO warehouse_loads (warehouse_table, hour, state, load_id, started_at, provisional)
            VALUES ($1, $2, 'staging', $3, $4, $5)
            ON CONFLICT (warehouse_table, hour) DO UPDATE SET state = 'staging', load_id = excluded.load_id,
                started_at = excluded.started_at, provisional = excluded.provisional,
                attempts = warehouse_loads.attempts + 1, job_id = NULL,
                rows = NULL, sum_price = NULL, sum_volume = NULL, rejected_rows = NULL, published_at = NULL
            """, [table, load.hour.start, load.id, load.startedAt, String(load.isProvisional)])
    }

    /// Keeps rows that `load` could not bring into the warehouse.
    func keep(_ rows: [RejectedRow], of load: Load) throws {
        guard !rows.isEmpty else { return }
        var text: [UInt8] = []
        for row in rows {
            text.append(contentsOf: row.copyFields)
            for field in [table, load.hour.start, load.id, row.reason] {
                text.append(UInt8(ascii: "\t"))
                appendCopyField(field, to: &text)
            }
            text.append(UInt8(ascii: "\n"))
        }
        let statement = """
            COPY warehouse_rejects (time, code, price, volume, warehouse_table, hour, load_id, reason) FROM STDIN
            """
        try text.withUnsafeBytes { _ = try connection.copyIn(statement, $0) }
    }

    /// Before the job is submitted: whoever comes after a crash asks BigQuery for this job.
    func willPublish(_ load: Load, jobID: String, totals: LoadTotals, rejectedRows: Int) throws {
        try change(
            load,
            "state = 'publishing', job_id = $3, rows = $4, sum_price = $5, sum_volume = $6, rejected_rows = $7",
            [
                jobID, String(totals.rows), totals.price?.description, totals.volume?.description,
                String(rejectedRows),
            ])
    }

    /// The final table holds `load`. The rejects of the hour's earlier loads go in the same statement.
    func published(_ load: Load) throws {
        try change(
            load, "state = 'published', published_at = now()", [load.hour.start],
            with: """
                WITH earlier AS (
                    DELETE FROM warehouse_rejects WHERE warehouse_table = $1 AND hour = $3 AND load_id <> $2)
                """)
    }

    private func change(
        _ load: Load, _ assignments: String, _ values: [String?], with clause: String = ""
    ) throws {
        let result = try connection.query(
            """
            \(clause) UPDATE warehouse_loads SET \(assignments)
            WHERE warehouse_table = $1 AND load_id = $2
            """, [table, load.id] + values)
        guard result.affectedRows == 1 else {
            throw LoadError(
                "another loader took \(load.hour) over; was the database away in between?", concernsOneHour: false)
        }
    }
}
