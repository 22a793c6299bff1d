import Runtime

/// What the loader tells about itself, while it runs. Any thread may count.
struct LoaderMetrics: MetricGroup {
    let loadsPending = Gauge(
        "ticker_loader_loads_pending", "Hours that this run has still to look at.")
    let loads = CounterFamily(
        "ticker_loader_loads_total", by: LoadOutcome.self, "Hours that were looked at, by what came of it.")
    let rowsRead = Counter("ticker_loader_rows_read_total", "Rows that were read from the database to be loaded.")
    let rowsPublished = Counter("ticker_loader_rows_published_total", "Rows of hours that were published.")
    let rowsRejected = Counter(
        "ticker_loader_rows_rejected_total", "Rows that the warehouse cannot hold: warehouse_rejects has them.")
    let mismatches = Counter(
        "ticker_loader_mismatches_total",
        "Times that the warehouse did not hold what was sent or published before. Nothing was lost: the hour is loaded again."
    )
    let requestDuration = Histogram(
        "ticker_loader_request_duration_seconds", unit: .microseconds,
        bounds: [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 90_000].map { $0 * 1_000 },
        "How long the warehouse took to answer a request, or to fail it.")
    let retries = CounterFamily(
        "ticker_loader_retries_total", by: RetryClass.self, "Requests and jobs that were tried again.")
    let lastSuccess = Gauge(
        "ticker_loader_last_success_timestamp_seconds", unit: .microseconds,
        "When a run came to its end without an error, since 1970; 0 when none did since the process started.")
    let databaseReachable = Gauge(
        "ticker_loader_database_reachable", "1 when the database answered at the last look, else 0.")
    let warehouseReachable = Gauge(
        "ticker_loader_warehouse_reachable", "1 when the warehouse answered the last request, else 0.")

    /// Why no data flow, a line each.
    var obstacles: [String] {
        var lines: [String] = []
        if databaseReachable.value == 0 { lines.append("the database did not answer at the last look") }
        if warehouseReachable.value == 0 { lines.append("the warehouse did not answer at the last look") }
        return lines
    }
}

enum LoadOutcome: String, MetricLabel {
    case published
    /// Published before it was closed: a later run loads it again.
    case provisional
    /// Source and warehouse agreed already.
    case unchanged
    case failed

    static let labelName = "outcome"
}

/// Why something was tried again.
enum RetryClass: String, MetricLabel {
    case transient
    case rateLimited = "rate_limited"
    case quotaExceeded = "quota_exceeded"
    /// A table that was created moments ago.
    case newTable = "new_table"
    /// The access token was no longer accepted.
    case unauthorized
    /// A publishing job that failed.
    case job

    static let labelName = "class"

    /// nil for what is not tried again.
    init?(_ kind: BigQueryError.Kind) {
        switch kind {
        case .transient: self = .transient
        case .rateLimited: self = .rateLimited
        case .quotaExceeded: self = .quotaExceeded
        case .notFound: self = .newTable
        case .unauthorized: self = .unauthorized
        case .tooLarge, .conflict, .badRequest, .permanent: return nil
        }
    }
}
