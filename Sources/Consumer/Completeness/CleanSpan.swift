/// The function `is_clean`: whether anything was not heard in a span of time.
enum CleanSpan {
    /// The gaps of a span are known once the producer has been heard after it, since it tells of a gap when it
    /// is over, and once what it told by then is in the database.
    private static let definition = """
        CREATE OR REPLACE FUNCTION is_clean(span_start timestamptz, span_end timestamptz, of_topic text DEFAULT NULL)
        RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT CASE
                WHEN EXISTS (SELECT FROM gaps WHERE started_at < span_end AND ended_at > span_start) THEN false
                WHEN EXISTS (SELECT FROM trade_data WHERE time <= span_start) AND (
                    SELECT bool_and(coalesce(
                        CASE WHEN topic LIKE '%.gaps'
                            -- A gap's record is written while the ticks behind it are; 10 seconds part them at most.
                            THEN caught_up_at >= heard_again.time + interval '10 seconds'
                            ELSE greatest(last_event_time, caught_up_at) >= span_end
                        END, false))
                    FROM kafka_offsets
                    CROSS JOIN (
                        SELECT time FROM trade_data WHERE time >= span_end ORDER BY time LIMIT 1
                    ) AS heard_again
                    WHERE of_topic IS NULL OR topic IN (of_topic, of_topic || '.gaps')
                ) THEN true
            END
        $$
        """

    private static let comment =
        "True: everything that the exchange sent in the span was received, and written. False: a gap is known. NULL: not known (yet): the recording began later or is not past the span. of_topic: look at the progress of this topic only."

    static let answer = CompletenessSchema.Answer(
        name: "is_clean", object: "FUNCTION is_clean(timestamptz, timestamptz, text)", definition: definition,
        comment: comment)
}
