import Logging
import Postgres

/// What TimescaleDB does with old ticks by itself. Each is a PostgreSQL interval such as `7 days`; nil is never.
struct AgePolicies: Equatable {
    /// Age from which a chunk is compressed. Rows that come later than that are still taken.
    var compressAfter: String?
    /// Age from which a chunk is dropped.
    var retention: String?

    /// A job of TimescaleDB's for `trade_data`.
    private struct Policy {
        let setting: String
        let age: String
        let procedure: String
        /// What the job's configuration calls the age.
        let key: String
        let statements: String
    }

    /// Adds the policies that are asked for and missing. One that is there stays: somebody may have changed it.
    ///
    /// The service runs without them, so whatever the server refuses is only logged.
    ///
    /// - Parameter isHypertable: whether `trade_data` is one.
    func apply(
        in database: borrowing PostgresConnection, isHypertable: Bool, logger: Logger
    ) throws(PostgresError) {
        let keepsCandles = isHypertable ? try database.query(Candles.isContinuousAggregate).rowCount > 0 : false
        for policy in policies(keepsCandles: keepsCandles) {
            guard isHypertable else {
                logger.warning(
                    "trade_data is no hypertable, so this setting does nothing",
                    metadata: ["setting": "\(policy.setting)"])
                continue
            }
            if let present = try age(of: policy, in: database) {
                if !present.isAsAsked { tellDifference(policy, present.age, logger) }
            } else if let refusal = try database.refusal(of: policy.statements) {
                tell(refusal, of: policy, logger)
            }
        }
    }

    private func policies(keepsCandles: Bool) -> [Policy] {
        var policies: [Policy] = []
        if let compressAfter {
            policies.append(
                Policy(
                    setting: "TIMESCALEDB_COMPRESS_AFTER", age: compressAfter, procedure: "policy_compression",
                    key: "compress_after",
                    statements: """
                        ALTER TABLE trade_data SET (timescaledb.compress, timescaledb.compress_segmentby = 'code',
                            timescaledb.compress_orderby = 'time DESC');
                        SELECT add_compression_policy('trade_data', compress_after => interval '\(compressAfter)')
                        """))
        }
        if let retention {
            policies.append(
                Policy(
                    setting: "TIMESCALEDB_RETENTION", age: retention, procedure: "policy_retention",
                    key: "drop_after",
                    statements: (keepsCandles ? Candles.keepCandles(longerThan: retention) + ";\n" : "")
                        + "SELECT add_retention_policy('trade_data', drop_after => interval '\(retention)')"))
        }
        return policies
    }

    /// The age that a policy of this kind has already; nil without one.
    private func age(
        of policy: Policy, in database: borrowing PostgresConnection
    ) throws(PostgresError) -> (age: String, isAsAsked: Bool)? {
        let found = try database.query(
            """
            SELECT config ->> $2, ((config ->> $2)::interval = $3::interval)::int FROM timescaledb_information.jobs
            WHERE proc_name = $1
                AND to_regclass(format('%I.%I', hypertable_schema, hypertable_name)) = 'trade_data'::regclass
            """, [policy.procedure, policy.key, policy.age])
        guard found.rowCount > 0 else { return nil }
        return (found.text(0, 0) ?? "unknown", found.integer(0, 1) == 1)
    }

    private func tellDifference(_ policy: Policy, _ age: String, _ logger: Logger) {
        logger.warning(
            "trade_data has another policy than the setting asks for, and keeps it: remove it to have a new one",
            metadata: [
                "setting": "\(policy.setting)", "setting.value": "\(policy.age)", "policy": "\(policy.procedure)",
                "policy.value": "\(age)",
            ])
    }

    private func tell(_ refusal: PostgresError, of policy: Policy, _ logger: Logger) {
        let message: Logger.Message =
            refusal.sqlState == SQLState.featureNotSupported
            ? "this edition of TimescaleDB has no such policies: the setting does nothing"
            : "the policy could not be made: the setting does nothing"
        logger.warning(
            message, metadata: ["setting": "\(policy.setting)", "database.error": "\(refusal)"])
    }
}
