/// The function `is_clean`: whether anything was not heard in a span of time.
enum CleanSpan {
    private static let definition = """
        CREATE OR REPLACE FUNCTION is_clean(span_start timestamptz, span_end timestamptz, of_topic text DEFAULT NULL)
        RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT CASE
                WHEN EXISTS (SELECT FROM gaps WHERE started_at < span_end AND ended_at > span_start) THEN false
                WHEN EXISTS (SELECT FROM trade_data WHERE time <= span_start) AND span_end <= (
                    \(recordedUntil(where: "of_topic IS NULL OR topic = of_topic"))
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
    /// column, NULL when it is not known (yet).
    ///
    /// That takes more than having read what is in Kafka: while the producer is dead there is nothing left to
    /// read, frames can wait in its spool, and it tells of a gap when the gap is over. So it counts until when
    /// the producer says that everything it received, and every gap, is in Kafka, once each partition was read
    /// up to an end that it had after that.
    ///
    /// - Parameter condition: which rows of `kafka_offsets` count.
    static func recordedUntil(where condition: String = "true") -> String {
        """
        SELECT nullif(min(coalesce(recorded_until, '-infinity')), '-infinity')
        FROM kafka_offsets
        WHERE topic NOT LIKE '%.gaps' AND (\(condition))
        """
    }
}
