/// The definitions of the consumer's own tables.
enum Bookkeeping {
    /// A column that `kafka_offsets` did not have in an older version.
    struct Column {
        let name: String
        let definition: String
    }

    static let addedColumns = [
        // The last sequence number of each producer, least recently seen first: [["producer", 17], …]
        Column(name: "producers", definition: "jsonb NOT NULL DEFAULT '[]'"),
        // Records that a producer had sent before. Records = rows + dead letters + these.
        Column(name: "repeats_dropped", definition: "bigint NOT NULL DEFAULT 0"),
        // The latest trade that was written from this partition.
        Column(name: "last_event_time", definition: "timestamptz"),
        // Whatever was in the partition at this time is in the database.
        Column(name: "caught_up_at", definition: "timestamptz"),
        // What a producer said in a record of the partition: all that it had received until then is in Kafka.
        Column(name: "settled_until", definition: "timestamptz"),
        // Of what a producer had received until then, nothing of the partition is missing in the database.
        Column(name: "recorded_until", definition: "timestamptz"),
        // When a producer received the first of its records in the partition.
        Column(name: "recorded_since", definition: "timestamptz"),
    ]

    /// Brings a `kafka_offsets` of an older version up to this one.
    static let upgrade =
        "ALTER TABLE kafka_offsets "
        + addedColumns.map { "ADD COLUMN IF NOT EXISTS \($0.name) \($0.definition)" }.joined(separator: ", ")

    /// How a table is created, by name.
    static let tables = [
        (
            "kafka_offsets",
            """
            CREATE TABLE kafka_offsets (
                topic text NOT NULL,
                partition integer NOT NULL,
                next_offset bigint NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now(),
                \(addedColumns.map { "\($0.name) \($0.definition)" }.joined(separator: ", ")),
                PRIMARY KEY (topic, partition)
            )
            """
        ),
        // No unique key: that each letter comes once is the offsets' doing, and a topic that was created
        // anew has the same offsets again.
        (
            "dead_letters",
            """
            CREATE TABLE dead_letters (
                topic text NOT NULL,
                partition integer NOT NULL,
                kafka_offset bigint NOT NULL,
                key bytea,
                value bytea,
                reason text NOT NULL,
                received_at timestamptz NOT NULL DEFAULT now()
            );
            CREATE INDEX dead_letters_offset_idx ON dead_letters (topic, partition, kafka_offset)
            """
        ),
        // Spans in which a producer could receive no data.
        (
            "gaps",
            """
            CREATE TABLE gaps (
                producer text NOT NULL,
                started_at timestamptz NOT NULL,
                ended_at timestamptz NOT NULL,
                reason text NOT NULL,
                PRIMARY KEY (producer, started_at)
            )
            """
        ),
        ("market_hours", CompletenessSchema.table),
    ]
}
