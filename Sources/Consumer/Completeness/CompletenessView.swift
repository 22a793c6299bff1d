/// The view `completeness`: how complete each market and hour is, from `market_hours` and `gaps`.
///
/// On the line of a market's day each hour's ticks take up a stretch, from `sum_low` to `sum_high`. Between two
/// hours' stretches lies what was missed from the one's last tick to the other's first. But trades of two hours
/// can come mixed, and then their stretches overlap: how much of the common part belongs to which hour is
/// not known, only how much of all that they cover together is missing. So hours that overlap are weighed as
/// one, and each is charged with what is certainly its own.
enum CompletenessView {
    /// Everything is worked out from the one day of the row's market, so that asking for one market and
    /// hour reads at most 24 rows.
    private static let definition = """
        CREATE OR REPLACE VIEW completeness AS
        SELECT
            recorded.code,
            recorded.hour,
            recorded.ticks,
            recorded.volume,
            recorded.sum_high - recorded.sum_low AS traded_volume,
            sums.missing_volume,
            sums.missing_before,
            sums.missing_after,
            recorded.repeats,
            recorded.skips,
            recorded.late,
            recorded.unsummed,
            silence.gap_seconds,
            CASE
                WHEN sums.missing_volume > 0 THEN false
                WHEN recorded.unsummed > 0 OR sums.is_doubtful
                    OR sums.missing_before IS DISTINCT FROM 0 OR sums.missing_after > 0 THEN NULL
                -- Behind the day's last tick there is no later sum: the gaps and the progress must speak.
                WHEN sums.missing_after IS NULL AND (
                    \(CleanSpan.hasGap(from: "recorded.hour", to: "recorded.hour + interval '1 hour'"))
                    OR (recorded.hour >= (
                        \(CleanSpan.recordedSince())
                    )) IS NOT TRUE
                    OR (recorded.hour + interval '1 hour' <= (
                        \(CleanSpan.recordedUntil())
                    )) IS NOT TRUE)
                    THEN NULL
                ELSE true
            END AS complete
        FROM market_hours AS recorded
        CROSS JOIN LATERAL (
            SELECT date_trunc('day', recorded.hour, 'UTC') AS start
        ) AS day
        CROSS JOIN LATERAL (
            SELECT
                hour,
                own_missing AS missing_volume,
                CASE
                    WHEN gap_before >= 0 THEN gap_before
                    WHEN gap_before < 0 THEN shared_missing
                    WHEN low = 0 THEN 0
                    -- Without an earlier row the recording of the market may have begun here.
                    WHEN EXISTS (
                        SELECT FROM market_hours AS earlier
                        WHERE earlier.code = recorded.code AND earlier.hour < day.start
                    ) THEN low
                END AS missing_before,
                CASE WHEN gap_after >= 0 THEN gap_after WHEN gap_after < 0 THEN shared_missing END AS missing_after,
                coalesce(missing < 0, false) AS is_doubtful
            FROM (
                SELECT *, greatest(0, missing - sum(own_missing) OVER (PARTITION BY stretch)) AS shared_missing
                FROM (
                    SELECT
                        *,
                        -- Less what hours that overlap this one can have in its stretch.
                        CASE WHEN high IS NOT NULL THEN
                            greatest(0, high - low - told + least(0, gap_before) + least(0, gap_after))
                        END AS own_missing,
                        max(high) OVER (PARTITION BY stretch) - min(low) OVER (PARTITION BY stretch)
                            - sum(told) OVER (PARTITION BY stretch) AS missing
                    FROM (
                        SELECT *, count(*) FILTER (WHERE gap_before >= 0) OVER (ORDER BY hour) AS stretch
                        FROM (
                            SELECT
                                hour,
                                sum_low AS low,
                                sum_high AS high,
                                volume - repeated_volume AS told,
                                min(sum_low) OVER from_here - max(sum_high) OVER before AS gap_before,
                                min(sum_low) OVER after - max(sum_high) OVER up_to_here AS gap_after
                            FROM market_hours
                            WHERE code = recorded.code AND hour >= day.start AND hour < day.start + interval '24 hours'
                            WINDOW
                                before AS (ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
                                up_to_here AS (ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
                                from_here AS (ORDER BY hour ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING),
                                after AS (ORDER BY hour ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
                        ) AS stretches
                    ) AS numbered
                ) AS weighed
            ) AS charged
        ) AS sums
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(extract(epoch FROM upper(span) - lower(span))), 0) AS gap_seconds
            FROM (
                SELECT unnest(range_agg(tstzrange(
                    greatest(started_at, recorded.hour), least(ended_at, recorded.hour + interval '1 hour')))) AS span
                FROM gaps
                WHERE started_at < recorded.hour + interval '1 hour' AND ended_at > recorded.hour
            ) AS spans
        ) AS silence
        WHERE sums.hour = recorded.hour
        """

    /// What users of the view read in `\\d+ completeness`.
    private static let columns = [
        ("code", "The market, as in trade_data."),
        ("hour", "Start of the clock hour, UTC, in which the trades happened."),
        ("ticks", "Rows of trade_data."),
        ("volume", "Sum of their trade_volume."),
        (
            "traded_volume",
            "What the exchange's own running sum says was traded from the hour's first to its last tick. Where trades of two hours came mixed it contains some of the other hour. NULL: no tick had a sum."
        ),
        ("missing_volume", "Of traded_volume, what is certainly missing here."),
        (
            "missing_before",
            "What is missing between the hour recorded before on the same UTC day and this one: in either. On the day's first recorded hour everything since 00:00 UTC. NULL: not known, the market has no earlier day."
        ),
        (
            "missing_after",
            "What is missing between this hour and the one recorded next on the same UTC day: in either. NULL: the day has no later hour; what is traded from a day's last tick to midnight no sum tells."
        ),
        ("repeats", "Ticks that tell a trade again which was told before. They are rows too."),
        ("skips", "Ticks before which something was missing when they came."),
        ("late", "Ticks that came after a later trade and filled such a hole."),
        ("unsummed", "Ticks without a running sum that can be used."),
        ("gap_seconds", "Seconds of the hour in which a producer could receive nothing; see table gaps."),
        (
            "complete",
            "True: the sums prove that nothing is missing and, behind the day's last tick, no gap is known and the recording is past the hour. False: something is missing. NULL: not known, or missing in this hour or its neighbour."
        ),
    ]

    static let answer = CompletenessSchema.Answer(
        name: "completeness", object: "VIEW completeness", definition: definition,
        comment: "One row a market and hour: what the exchange's running sums prove of trade_data.",
        columnComments: columns)
}
