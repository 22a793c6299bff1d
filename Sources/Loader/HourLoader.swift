import Logging
import Postgres
import Runtime

/// Brings clock hours from the source into the warehouse: each exactly once, however often it is run.
///
/// Rows go to a staging table under an id of their own, are counted and summed there, and replace the
/// hour in the final table by one statement. The ledger is written before each step that somebody
/// would have to know about after a crash.
struct HourLoader: Sendable {
    let source: PostgresConfiguration
    let ledger: Ledger
    let warehouse: BigQuery
    let bounds: HourReader.Bounds
    /// Requests in flight.
    let concurrency: Int
    /// A staging table that was created moments ago answers 404 for a while.
    let isStagingNew: Bool
    /// Publishes an hour also when the source holds fewer rows of it than the warehouse.
    let replacesMore: Bool
    /// The topic whose progress closes an hour.
    let topic: String
    /// How long a run waits, in all, for its hours to be closed.
    let closeTimeout: Duration
    let metrics: LoaderMetrics
    let manager: ServiceManager
    let logger: Logger

    /// Loads `hour` unless the warehouse holds it already.
    ///
    /// - Parameter isClosed: false makes the load a provisional one.
    func load(_ hour: ClockHour, isClosed: Bool) async throws -> HourReport {
        let earlier = try await earlierLoad(of: hour)
        let entry = earlier.published
        let kept = try await keptRows(hour, earlier)
        // An hour that nobody has loaded is counted while it is read.
        if entry != nil || kept != KeptRows() {
            let source = try await ledger.sourceTotals(of: hour) ?? SourceTotals()
            try kept.refuse(fewer: source.rows, of: hour)
            if let entry, try await isUnchanged(entry, source) {
                return HourReport(
                    hour: hour, outcome: .unchanged, rows: entry.totals.rows, rejectedRows: entry.rejectedRows)
            }
        }
        let load = Load(hour: hour, isProvisional: !isClosed)
        try await ledger.begin(load)
        let staged = try await stage(load)
        // The rows were read after they were counted, and can have been dropped in between.
        try kept.refuse(fewer: staged.totals.rows + staged.rejectedRows, of: hour)
        try await verify(staged)
        try await publish(staged)
        return HourReport(
            hour: hour, outcome: .published, rows: staged.totals.rows, rejectedRows: staged.rejectedRows,
            isProvisional: load.isProvisional)
    }

    // MARK: What an earlier run left

    private struct EarlierLoad {
        /// The ledger's entry, when it says that the hour is published, or a job of an earlier run did it.
        var published: LedgerEntry?
        /// What the hour has at most that must not get lost, when a job inserted more than was staged.
        var staged: KeptRows?
    }

    private func earlierLoad(of hour: ClockHour) async throws -> EarlierLoad {
        guard let entry = try await ledger.entry(of: hour) else { return EarlierLoad() }
        switch entry.state {
        case .published:
            return EarlierLoad(published: entry)
        case .staging:
            return EarlierLoad()
        case .publishing:
            // A job that failed, and one that BigQuery will not take any more, published nothing.
            guard let jobID = entry.jobID, case .succeeded(let insertedRows) = try await outcome(of: jobID) else {
                return EarlierLoad()
            }
            guard insertedRows == nil || insertedRows == entry.totals.rows else {
                metrics.mismatches.add()
                logger.warning(
                    "an earlier run's job inserted another number of rows, loading the hour again",
                    metadata: [
                        "hour": "\(hour)", "job.id": "\(jobID)", "rows": "\(entry.totals.rows)",
                        "inserted": "\(insertedRows ?? 0)",
                    ])
                return EarlierLoad(staged: insertedRows ?? 0 > entry.totals.rows ? KeptRows(entry) : nil)
            }
            logger.info(
                "an earlier run's job had published the hour",
                metadata: ["hour": "\(hour)", "job.id": "\(jobID)"])
            try await ledger.published(entry.load)
            return EarlierLoad(published: entry)
        }
    }

    /// What became of an earlier run's job. It does not change any more: a job that has not come is kept from
    /// coming, or it would put the hour's older rows back after this run has published it.
    private func outcome(of jobID: String) async throws -> JobState {
        let state = try await warehouse.wait(for: jobID)
        guard state == .missing else { return state }
        let settled = try await warehouse.useUp(jobID: jobID)
        guard settled != .missing else { throw missing(jobID) }
        return settled
    }

    private func missing(_ jobID: String) -> LoadError {
        LoadError(
            "job \(jobID) was submitted and cannot be found; is BIGQUERY_LOCATION right?", concernsOneHour: false)
    }

    /// What must not get lost. A ledger that does not say `published` is no proof that nothing is: it
    /// can be new, or have forgotten an earlier load when one that died began. Then BigQuery is asked.
    private func keptRows(_ hour: ClockHour, _ earlier: EarlierLoad) async throws -> KeptRows {
        if replacesMore { return KeptRows() }
        if let entry = earlier.published { return KeptRows(entry) }
        if let staged = earlier.staged { return staged }
        let countOnly = LoadTotals(rows: 0, price: nil, volume: nil)
        return KeptRows(rows: try await warehouse.publishedTotals(of: hour, like: countOnly).rows)
    }

    /// True when source, ledger and final table agree. Rows that BigQuery itself refused make them
    /// differ for ever, so such an hour is tried again each time: what refused them may be mended.
    private func isUnchanged(_ entry: LedgerEntry, _ source: SourceTotals) async throws -> Bool {
        let hour = entry.load.hour
        // Loaded again whatever the counts say, so that the ledger calls it final once it is.
        if entry.load.isProvisional { return false }
        guard entry.totals.agrees(with: source.fitting), entry.rejectedRows == source.unfitRows else {
            logger.info(
                "the source has changed, loading the hour again",
                metadata: ["hour": "\(hour)", "published": "\(entry.totals)", "source": "\(source.fitting)"])
            return false
        }
        let final = try await warehouse.publishedTotals(of: hour, like: entry.totals)
        guard entry.totals.agrees(with: final) else {
            metrics.mismatches.add()
            logger.warning(
                "the final table does not hold what was published, loading the hour again",
                metadata: ["hour": "\(hour)", "published": "\(entry.totals)", "found": "\(final)"])
            return false
        }
        return true
    }

    // MARK: Staging

    /// A load whose rows have all been sent.
    struct StagedLoad {
        let load: Load
        /// Of the rows that are staged.
        let totals: LoadTotals
        /// Rows that the warehouse cannot hold, by our check or by its own.
        let rejectedRows: Int
    }

    private func stage(_ load: Load) async throws -> StagedLoad {
        let reader = try await HourReader.open(source, load: load, bounds: bounds)
        let uploads = try await withThrowingTaskGroup(of: Upload.self) { group in
            for _ in 0..<concurrency { group.addTask { try await upload(from: reader, load) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        var running = await reader.totals
        for upload in uploads { running.remove(upload.refused) }
        return StagedLoad(
            load: load, totals: running.totals, rejectedRows: uploads.map(\.rejectedRows).reduce(0, +))
    }

    /// What one of the parallel senders met: sums, so that memory does not grow with what is refused.
    private struct Upload: Sendable {
        var rejectedRows = 0
        /// Of the rows that BigQuery itself refused.
        var refused = RunningTotals()
    }

    /// Pulls batches until there are none. A slow BigQuery keeps this from pulling, and so from reading.
    private func upload(from reader: HourReader, _ load: Load) async throws -> Upload {
        var upload = Upload()
        while let reading = try await reader.next() {
            try Task.checkCancellation()
            metrics.rowsRead.add(reading.batch.rowCount + reading.rejected.count)
            let refused = try await insert(reading.batch)
            try await ledger.keep(reading.rejected + refused.map(\.row), of: load)
            metrics.rowsRejected.add(reading.rejected.count + refused.count)
            upload.rejectedRows += reading.rejected.count + refused.count
            for row in refused { upload.refused.add(price: row.price, volume: row.volume) }
            // Every row refused is a table that is not ours, not an hour of bad rows: the other batches would
            // only tell it again, and publishing nothing in place of the hour would be the worst answer.
            if reading.isFirstBatch, refused.count == reading.batch.rowCount {
                throw LoadError(
                    "BigQuery refused all \(refused.count) rows of the first batch of \(load.hour);"
                        + " nothing was published. See warehouse_rejects for its reasons")
            }
            logger.debug(
                "batch staged",
                metadata: ["load.id": "\(load.id)", "rows": "\(reading.batch.rowCount - refused.count)"])
        }
        return upload
    }

    /// A new table that is not there yet is there for a later run, so that is no wrong setting.
    private func insert(_ batch: InsertBatch) async throws -> [RefusedRow] {
        do {
            return try await warehouse.insert(batch, isTableNew: isStagingNew)
        } catch let error as BigQueryError where error.kind == .notFound && isStagingNew {
            throw LoadError(
                "the staging table was created minutes ago and takes no rows yet; run again. BigQuery: \(error.message)",
                concernsOneHour: false)
        }
    }

    /// Compares what BigQuery has staged with what was read: rows that it confirmed and lost, or took
    /// twice, are found here and not by a user.
    private func verify(_ staged: StagedLoad) async throws {
        let found = try await stagedTotals(staged)
        guard staged.totals.agrees(with: found) else {
            metrics.mismatches.add()
            throw LoadError(
                "the staging table does not hold what was sent for \(staged.load.hour):"
                    + " sent \(staged.totals), found \(found). Nothing was published; run again")
        }
        if !staged.totals.hasSums {
            logger.warning(
                "a sum is beyond NUMERIC, only the count of rows was compared",
                metadata: ["hour": "\(staged.load.hour)"])
        }
    }

    /// Queries can be some seconds behind the rows that BigQuery has confirmed, so too few of them are looked at
    /// again. Too many, or others than were sent, do not get better.
    private func stagedTotals(_ staged: StagedLoad) async throws -> LoadTotals {
        var policy = RetryPolicy(warehouse.limits.forStagedRows)
        var isFirstLook = true
        while true {
            let found = try await warehouse.stagedTotals(of: staged.load, like: staged.totals)
            let behind = BigQueryError(status: nil, message: "not all rows are seen yet")
            guard found.rows < staged.totals.rows, case .wait(let duration) = policy.step(after: behind) else {
                return found
            }
            if isFirstLook {
                logger.warning(
                    "BigQuery does not show all staged rows yet, waiting for them",
                    metadata: [
                        "hour": "\(staged.load.hour)", "sent": "\(staged.totals.rows)", "found": "\(found.rows)",
                    ])
            }
            isFirstLook = false
            try await Task.sleep(for: duration)
        }
    }

    // MARK: Publishing

    /// Only a job that failed is followed by another. What is thrown on the way leaves open whether the job
    /// runs: two of them could then run at once. The ledger has its id, so the next run asks for it.
    private func publish(_ staged: StagedLoad) async throws {
        var policy = RetryPolicy(warehouse.limits.forJobs)
        var attempt = 1
        while let error = try await failureOfPublishing(staged, jobID: staged.load.jobID(attempt: attempt)) {
            let failure = BigQueryError(status: nil, message: error.message)
            guard error.isWorthAnotherJob, case .wait(let duration) = policy.step(after: failure) else { throw error }
            metrics.retries.add(.job)
            logger.warning(
                "the publishing job failed, trying again",
                metadata: ["error.message": "\(error)", "retry.wait": "\(duration)"])
            try await Task.sleep(for: duration)
            attempt += 1
        }
    }

    /// Submits one job and waits for it; nil when the final table holds the load, else why the job failed.
    private func failureOfPublishing(_ staged: StagedLoad, jobID: String) async throws -> BigQueryError? {
        // Over the connection that holds the lock: when that is lost, nothing is submitted.
        try await ledger.willPublish(
            staged.load, jobID: jobID, totals: staged.totals, rejectedRows: staged.rejectedRows)
        try await warehouse.submit(warehouse.target.publish(staged.load), jobID: jobID)
        switch try await warehouse.wait(for: jobID) {
        case .succeeded(let insertedRows):
            guard insertedRows == nil || insertedRows == staged.totals.rows else {
                metrics.mismatches.add()
                throw LoadError(
                    "job \(jobID) inserted \(insertedRows ?? 0) rows instead of \(staged.totals.rows); run again")
            }
            try await ledger.published(staged.load)
            metrics.rowsPublished.add(staged.totals.rows)
            return nil
        case .failed(let error):
            return error
        case .running, .missing:
            throw missing(jobID)
        }
    }
}

extension RetryLimits {
    fileprivate var forJobs: RetryLimits {
        var limits = self
        limits.transient = job
        return limits
    }

    fileprivate var forStagedRows: RetryLimits {
        var limits = self
        limits.transient = staged
        return limits
    }
}
