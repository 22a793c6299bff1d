/// What the ledger remembers of one hour: one row of `warehouse_loads`.
struct LedgerEntry: Equatable, Sendable {
    enum State: String, Sendable {
        /// Rows are on their way to the staging table, or were when the loader died.
        case staging
        /// Everything is staged and verified; the job with this id was, or was about to be, submitted.
        case publishing
        /// The final table holds the hour.
        case published
    }

    let state: State
    let load: Load
    let jobID: String?
    /// What the load published or is about to; meaningful from `publishing` on.
    let totals: LoadTotals
    let rejectedRows: Int
}

extension LedgerEntry {
    /// What `warehouse_loads` did not have from the beginning.
    static let addedColumns = [
        (name: "gap_seconds", type: "bigint"), (name: "incomplete_markets", type: "bigint"),
        (name: "failures", type: "integer NOT NULL DEFAULT 0"), (name: "retry_from", type: "timestamptz"),
        (name: "failure", type: "text"),
    ]

    /// The tables and the index of the ledger by their names, in the order in which they are created.
    /// Its numbers have no limit of digits: a sum can have more than a price.
    static let schema = [
        (
            name: "warehouse_loads",
            statement: """
            CREATE TABLE warehouse_loads (
                warehouse_table text NOT NULL,
                hour timestamptz NOT NULL,
                state text NOT NULL CHECK (state IN ('staging', 'publishing', 'published')),
                load_id text NOT NULL,
                job_id text,
                rows bigint,
                sum_price numeric,
                sum_volume numeric,
                rejected_rows bigint,
                attempts integer NOT NULL DEFAULT 1,
                -- Read before the hour was closed, so that rows may be missing.
                provisional boolean NOT NULL DEFAULT false,
                started_at timestamptz NOT NULL,
                published_at timestamptz,
                -- What the source is known to miss, when it is known.
                gap_seconds bigint,
                incomplete_markets bigint,
                -- Failures in a row for reasons of the hour's own; runs pass it over until retry_from.
                failures integer NOT NULL DEFAULT 0,
                retry_from timestamptz,
                failure text,
                PRIMARY KEY (warehouse_table, hour))
            """
        ),
        (
            name: "warehouse_rejects",
            statement: """
            CREATE TABLE warehouse_rejects (
                warehouse_table text NOT NULL,
                hour timestamptz NOT NULL,
                load_id text NOT NULL,
                time timestamptz,
                code text,
                price numeric,
                volume numeric,
                reason text NOT NULL)
            """
        ),
        (
            name: "warehouse_rejects_hour",
            statement: "CREATE INDEX warehouse_rejects_hour ON warehouse_rejects (warehouse_table, hour)"
        ),
    ]
}
