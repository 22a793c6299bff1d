/// The function `is_clean`: whether anything was not heard in a span of time.
enum CleanSpan {
    private static let definition = """
        CREATE OR REPLACE FUNCTION is_clean(span_start timestamptz, span_end timestamptz, of_topic text DEFAULT NULL)
        RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT CASE
                WHEN \(hasGap(from: "span_start", to: "span_end")) THEN false
                WHEN span_start >= (
                    \(recordedSince(where: "of_topic IS NULL OR topic = of_topic"))
                ) AND span_end <= (
                    \(recordedUntil(where: "of_topic IS NULL OR topic = of_topic"))
                ) THEN true
            END
        $$
        """

    private static let comment =
        "True: everything that the exchange sent in the span was received, and written. False: a gap is known in it, or within 5 s of it. NULL: not known (yet): the recording began later or is not past the span, by 5 s. of_topic: look at the progress of this topic only."

    /// A span is one of trades, by the exchange's clock. Gaps and progress are of what a producer received, by its
    /// own: a trade comes in that much later at most, or as much before its time.
    private static let margin = "interval '5 seconds'"

    /// A condition: whether a gap can have a trade of the span.
    static func hasGap(from start: String, to end: String) -> String {
        """
        EXISTS (SELECT FROM gaps WHERE started_at < \(end) + \(margin) AND ended_at > \(start) - \(margin))
        """
    }

    /// A query for the trades' time from which there is a recording, of the partition that has the oldest: a market
    /// that is seldom traded comes later. Otherwise as ``recordedUntil(where:)``. What records of other programs
    /// brought tells nothing of what is missing.
    static func recordedSince(where condition: String = "true") -> String {
        """
        SELECT min(recorded_since) + \(margin)
        FROM kafka_offsets
        WHERE topic NOT LIKE '%.gaps' AND (\(condition))
        """
    }

    static let answer = CompletenessSchema.Answer(
        name: "is_clean", object: "FUNCTION is_clean(timestamptz, timestamptz, text)", definition: definition,
        comment: comment)

    /// A query for the trades' time up to which the recording is whole but for the gaps that are known: one row and one
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
        SELECT nullif(min(coalesce(recorded_until, '-infinity')), '-infinity') - \(margin)
        FROM kafka_offsets
        WHERE topic NOT LIKE '%.gaps' AND (\(condition))
        """
    }
}
