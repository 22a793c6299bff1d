import Kafka
import Postgres

extension Store {
    /// Where the partitions of the two topics continue, as far as one was ever written.
    func positions() throws(PostgresError) -> [TopicPartition: StoredPosition] {
        let result = try database.query(
            """
            SELECT topic, partition, next_offset, pair ->> 0, pair ->> 1
            FROM kafka_offsets
            LEFT JOIN LATERAL jsonb_array_elements(producers) WITH ORDINALITY AS pairs (pair, place) ON true
            WHERE topic IN ($1, $2)
            ORDER BY topic, partition, place
            """, [topics.ticks, topics.gaps])
        var producers: [TopicPartition: [ProducerSequences.Entry]] = [:]
        var offsets: [TopicPartition: Int64] = [:]
        for row in 0..<result.rowCount {
            guard let topic = result.text(row, 0), let number = result.integer(row, 1).flatMap({ Int32(exactly: $0) }),
                let offset = result.integer(row, 2)
            else { continue }
            let partition = TopicPartition(topic: topic, partition: number)
            offsets[partition] = offset
            if let producer = result.text(row, 3), let last = result.text(row, 4).flatMap({ UInt64($0) }) {
                producers[partition, default: []].append(.init(producer: Array(producer.utf8), last: last))
            }
        }
        return offsets.reduce(into: [:]) { stored, offset in
            stored[offset.key] = StoredPosition(
                nextOffset: offset.value, producers: ProducerSequences(producers[offset.key] ?? []))
        }
    }

    /// What producers said of the ticks until now; other consumers may have read it. nil when none said anything.
    func settlement() throws(PostgresError) -> Settlement? {
        let answer = try database.query(
            """
            SELECT floor(extract(epoch FROM max(settled_until)) * 1000000)::bigint, count(*)
            FROM kafka_offsets WHERE topic = $1
            """, [topics.ticks])
        guard let time = answer.integer(0, 0).flatMap({ UInt64(exactly: $0) }), let rows = answer.integer(0, 1)
        else { return nil }
        return Settlement(topic: topics.ticks, microseconds: time, knownPartitions: Int(rows))
    }

    /// Gives partitions that have no row one, at the offsets where their records begin.
    func begin(at offsets: [TopicPartition: Int64]) throws(PostgresError) {
        let new = offsets.map { Position($0.key, stored: StoredPosition(nextOffset: $0.value, producers: .init())) }
        _ = try database.query(
            """
            INSERT INTO kafka_offsets (topic, partition, next_offset)
            SELECT topic, partition, next FROM \(Self.moves) ORDER BY topic, partition
            ON CONFLICT (topic, partition) DO NOTHING
            """, [json(new)])
    }

    /// Moves the row of every position, if each is where the batch began; compare-and-set.
    func move(_ positions: [Position]) throws(WriteError) {
        let known = positions.filter { $0.stored != nil }
        let new = positions.filter { $0.stored == nil }
        let moved: Int
        do throws(PostgresError) {
            moved = try known.isEmpty ? 0 : update(known)
            if !new.isEmpty { try insert(new) }
        } catch {
            // A partition's first row can be made once: whoever comes second read the same records.
            throw error.sqlState == SQLState.uniqueViolation ? .superseded : .database(error)
        }
        guard moved == known.count else { throw .superseded }
    }

    private func update(_ positions: [Position]) throws(PostgresError) -> Int {
        try database.queryPrepared(
            """
            UPDATE kafka_offsets SET next_offset = moved.next, producers = moved.producers,
                repeats_dropped = repeats_dropped + moved.repeats, updated_at = now(),
                last_event_time = greatest(last_event_time, moved.event_time),
                caught_up_at = greatest(caught_up_at, moved.caught_up_time),
                settled_until = greatest(settled_until, moved.settled_time),
                recorded_until = greatest(recorded_until, moved.recorded_time),
                recorded_since = least(recorded_since, moved.first_time)
            FROM \(Self.moves)
            WHERE kafka_offsets.topic = moved.topic AND kafka_offsets.partition = moved.partition
                AND kafka_offsets.next_offset = moved.expected
            """, [json(positions)]
        ).affectedRows
    }

    private func insert(_ positions: [Position]) throws(PostgresError) {
        _ = try database.query(
            """
            INSERT INTO kafka_offsets
                (topic, partition, next_offset, producers, repeats_dropped, last_event_time, caught_up_at,
                settled_until, recorded_until, recorded_since)
            SELECT topic, partition, next, producers, repeats, event_time, caught_up_time, settled_time, recorded_time,
                first_time
            FROM \(Self.moves)
            """, [json(positions)])
    }

    /// What ``json(_:)`` writes, as the rows of a table.
    ///
    /// No clock but the database's decides what is past. A trade from the future tells nothing about what
    /// was read, so it counts for nothing; less than a clock's error ahead it counts as now.
    private static let moves = """
        (
            SELECT *,
                CASE WHEN event_ms IS NOT NULL AND 'epoch'::timestamptz + event_ms * interval '1 millisecond'
                        < now() + interval '5 seconds'
                    THEN least('epoch'::timestamptz + event_ms * interval '1 millisecond', now()) END AS event_time,
                \(pastTime("caught_up_us")) AS caught_up_time, \(pastTime("settled_us")) AS settled_time,
                \(pastTime("recorded_us")) AS recorded_time, \(pastTime("first_us")) AS first_time
            FROM jsonb_to_recordset($1::jsonb) AS position
                (topic text, partition integer, expected bigint, next bigint, producers jsonb, repeats bigint,
                event_ms bigint, caught_up_us bigint, settled_us bigint, recorded_us bigint, first_us bigint)
        ) AS moved
        """

    /// Nothing needs escaping: a topic's name has been checked, as a producer's.
    private func json(_ positions: [Position]) -> String {
        let objects = positions.map { position in
            """
            {"topic":"\(position.partition.topic)","partition":\(position.partition.partition),\
            "expected":\(orNull(position.stored)),"next":\(position.next),\
            "producers":\(position.producers.json),"repeats":\(position.repeats),\
            "event_ms":\(orNull(position.lastEventMilliseconds)),"caught_up_us":\(orNull(position.caughtUpMicroseconds)),\
            "settled_us":\(orNull(position.settledMicroseconds)),"recorded_us":\(orNull(position.recordedMicroseconds)),\
            "first_us":\(orNull(position.firstReceivedMicroseconds))}
            """
        }
        return "[\(objects.joined(separator: ","))]"
    }
}

/// A column of microseconds since 1970 as a time that is not in the future; NULL stays NULL.
private func pastTime(_ column: String) -> String {
    "CASE WHEN \(column) IS NOT NULL THEN least('epoch'::timestamptz + \(column) * interval '1 microsecond', now()) END"
}

private func orNull(_ number: (some BinaryInteger)?) -> String { number.map { "\($0)" } ?? "null" }
