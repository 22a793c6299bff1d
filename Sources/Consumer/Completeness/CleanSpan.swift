/// The function `is_clean`: whether anything was not heard in a span of time.
enum CleanSpan {
    private static let definition = """
        CREATE OR REPLACE FUNCTION is_clean(span_start timestamptz, span_end timestamptz, of_topic text DEFAULT NULL)
        RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT CASE
                WHEN EXISTS (SELECT FROM gaps WHERE started_at < span_end AND ended_at > span_start) THEN false
                WHEN EXISTS (SELECT FROM trade_data WHERE time <= span_start) AND span_end <= (
                    \(recordedUntil(where: "of_topic IS NULL OR topic IN (of_topic, of_topic || '.gaps')"))
                ) THEN true
            END
        $$
        """

    private static let comment =
        "True: everything that the exchange sent in the span was received, and written. False: a gap is known. NULL: not known (yet): the recording began later or is not past the span. of_topic: look at the progress of this topic only."

    static let answer = CompletenessSchema.Answer(
        name: "is_clean", object: "FUNCTION is_clean(timestamptz, timestamptz, text)", definition: definition,
        comment: comment)

    /// A query for the moment up to which the recording is whole but for the gaps that are known: one row and one
    /// column, NULL or no row when it is not known (yet).
    ///
    /// That takes more than having read what is in Kafka: while the producer is dead there is nothing left to
    /// read, and it tells of the gap when it is over. So it must have been heard again, and what it told by then
    /// must be in the database.
    ///
    /// - Parameter condition: which rows of `kafka_offsets` count.
    static func recordedUntil(where condition: String = "true") -> String {
        """
        SELECT nullif(least(progress.ticks_until, heard.time), '-infinity')
        FROM (
            -- A topic of which nobody reads the gaps is never past anything.
            SELECT min(coalesce(ticks_until, '-infinity')) AS ticks_until,
                min(coalesce(gaps_until, '-infinity')) AS gaps_until
            FROM (
                SELECT
                    min(coalesce(greatest(last_event_time, caught_up_at), '-infinity'))
                        FILTER (WHERE topic NOT LIKE '%.gaps') AS ticks_until,
                    min(coalesce(caught_up_at, '-infinity')) FILTER (WHERE topic LIKE '%.gaps') AS gaps_until
                FROM kafka_offsets
                WHERE \(condition)
                GROUP BY regexp_replace(topic, '[.]gaps$', '')
            ) AS topics
        ) AS progress
        CROSS JOIN LATERAL (
            -- A gap's record is written while the ticks behind it are; 10 seconds part them at most.
            SELECT time FROM trade_data WHERE time <= progress.gaps_until - interval '10 seconds'
            ORDER BY time DESC LIMIT 1
        ) AS heard
        """
    }
}
