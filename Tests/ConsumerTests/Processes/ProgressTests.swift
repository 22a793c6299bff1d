import TestSupport
import Testing

@Suite("What the database says of the consumer's progress")
struct ProgressTests {
    @Test(
        "Every partition has caught up, empty ones too, and goes on doing so while nothing comes",
        .timeLimit(.minutes(5)))
    func idle() async throws {
        let bench = try await ConsumerBench(partitions: 6)
        try bench.writer.write(key: "KRW-BTC", value: Array(ConsumerBench.frame(0).utf8))
        try bench.writer.flush()
        let start = try await bench.now()
        let consumer = try bench.startConsumer()
        let caughtUp = "SELECT count(*) FROM kafka_offsets WHERE topic = 'upbit_ticker' AND caught_up_at >= "
        try await bench.database.wait(for: "\(caughtUp) '\(start)'", toBe: "6", within: .seconds(60))
        try await bench.expectEveryFrameOnce(1)
        let later = try await bench.now()
        try await bench.database.wait(for: "\(caughtUp) '\(later)'", toBe: "6", within: .seconds(60))
        try await expectCleanStop(consumer)
    }

    @Test(
        "What a producer says is settled is recorded in every partition, when all were read; also what another consumer heard",
        .timeLimit(.minutes(5)))
    func recorded() async throws {
        let bench = try await ConsumerBench(partitions: 6)
        let settled: Int64 = 1_778_570_091_754_321
        // The first record is another program's, and tells nothing; the second was received a minute before the third.
        try bench.writer.write(key: "KRW-BTC", value: Array(ConsumerBench.frame(0).utf8))
        for (sequence, time) in [(7, settled - 60_000_000), (8, settled)] {
            try bench.writer.write(
                key: "KRW-BTC", value: Array(ConsumerBench.frame(0).utf8),
                headers: [
                    ("producer", "p"), ("seq", "\(sequence)"), ("received", "\(time + 300_000)"),
                    ("settled", "\(time)"),
                ])
        }
        // No time at all is no beginning.
        try bench.writer.write(
            key: "KRW-BTC", value: Array(ConsumerBench.frame(0).utf8),
            headers: [("producer", "p"), ("seq", "9"), ("received", "18446744073709551615")])
        try bench.writer.flush()
        let consumer = try bench.startConsumer()
        let recorded = """
            SELECT count(*) FROM kafka_offsets WHERE topic = 'upbit_ticker'
                AND recorded_until = 'epoch'::timestamptz + interval '1 microsecond' *
            """
        try await bench.database.wait(for: "\(recorded) \(settled)", toBe: "6", within: .seconds(60))
        let counts = "SELECT count(settled_until), count(recorded_until) FROM kafka_offsets WHERE topic = $1"
        #expect(try await bench.database.rows(counts, [ConsumerBench.topic]) == [["1", "6"]])
        let since = "SELECT count(recorded_since), min(recorded_since)::text FROM kafka_offsets"
        #expect(try await bench.database.rows(since) == [["1", "2026-05-12 07:13:52.054321+00"]])
        // Both ends keep away from what was received by 5 s.
        let answer = "SELECT is_clean('2026-05-12 07:13:57.054321Z', "
        #expect(try await bench.database.rows("\(answer) '2026-05-12 07:14:46.754321Z')") == [["t"]])
        #expect(try await bench.database.rows("\(answer) '2026-05-12 07:14:46.754322Z')") == [[nil]])
        let early = "SELECT is_clean('2026-05-12 07:13:57.054320Z', '2026-05-12 07:14:46Z')"
        #expect(try await bench.database.rows(early) == [[nil]])
        try await bench.database.execute(
            "UPDATE kafka_offsets SET settled_until = settled_until + interval '1 second' WHERE settled_until IS NOT NULL"
        )
        try await bench.database.wait(for: "\(recorded) \(settled + 1_000_000)", toBe: "6", within: .seconds(60))
        try await expectCleanStop(consumer)
    }

    @Test("A partition with records that nobody read has a row before anything is written", .timeLimit(.minutes(5)))
    func backlog() async throws {
        let bench = try await ConsumerBench(partitions: 6)
        try bench.write(0..<100)
        let idle = try bench.startConsumer(["CONSUMER_BATCH_LATENCY": "30s", "KAFKA_GROUP_ID": "idle"])
        try await bench.database.wait(
            for: "SELECT count(*) FROM kafka_offsets WHERE topic = 'upbit_ticker'", toBe: "6", within: .seconds(60))
        #expect(
            try await bench.database.rows(
                """
                SELECT sum(next_offset), count(last_event_time) FROM kafka_offsets WHERE topic = 'upbit_ticker'
                """) == [["0", "0"]])
        // It writes as much as it has read by now, which can be nothing; the next one writes the rest.
        try await expectCleanStop(idle)
        let consumer = try bench.startConsumer(["KAFKA_GROUP_ID": "next"])
        try await bench.waitUntilWritten(100)
        try await bench.expectEveryFrameOnce(100)
        try await expectCleanStop(consumer)
    }

    @Test("A new partition's row begins at the oldest record that there is", .timeLimit(.minutes(5)))
    func oldest() async throws {
        let bench = try await ConsumerBench(partitions: 1)
        // The mock cluster keeps 5 MiB of a partition. Random bytes, since equal ones are compressed away.
        let value = (0..<900_000).map { _ in UInt8.random(in: .min ... .max) }
        for _ in 0..<8 {
            try bench.writer.write(key: "KRW-BTC", value: value)
            try bench.writer.flush()
        }
        let consumer = try bench.startConsumer()
        try await bench.waitUntilWritten(8, within: .seconds(60))
        let letters = try await bench.database.rows("SELECT count(*) < 8, max(kafka_offset) FROM dead_letters")
        #expect(letters == [["t", "7"]])
        try await expectCleanStop(consumer)
    }

    @Test("The latest trade counts, of each partition, and one from the future does not", .timeLimit(.minutes(5)))
    func lastEvent() async throws {
        let bench = try await ConsumerBench(partitions: 1)
        let (day, future): (Int64, Int64) = (1_778_570_000_000, 4_000_000_000_000)
        for time in [day + 5_000, day + 7_250, day + 6_000] {
            try bench.writer.write(key: "KRW-BTC", value: Array(ConsumerBench.frame(0, time: time).utf8))
        }
        try bench.writer.flush()
        let consumer = try bench.startConsumer()
        let lastEvent = "SELECT last_event_time::text FROM kafka_offsets WHERE topic = 'upbit_ticker'"
        try await bench.waitUntilWritten(3)
        #expect(try await bench.database.rows(lastEvent) == [["2026-05-12 07:13:27.25+00"]])
        try bench.writer.write(key: "KRW-BTC", value: Array(ConsumerBench.frame(0, time: future).utf8))
        try bench.writer.flush()
        try await bench.waitUntilWritten(4)
        #expect(try await bench.database.rows(lastEvent) == [["2026-05-12 07:13:27.25+00"]])
        try bench.writer.write(key: "KRW-BTC", value: Array(ConsumerBench.frame(0, time: day).utf8))
        try bench.writer.flush()
        try await bench.waitUntilWritten(5)
        #expect(try await bench.database.rows(lastEvent) == [["2026-05-12 07:13:27.25+00"]])
        try await expectCleanStop(consumer)
    }

    /// The rows of a batch are held up in the database while the consumer asks for the ends again: it may
    /// not say that it has caught up with them.
    @Test("Nobody has caught up with records that are not in the database", .timeLimit(.minutes(5)))
    func heldUp() async throws {
        let bench = try await ConsumerBench(partitions: 1)
        try bench.write(0..<10)
        let consumer = try bench.startConsumer()
        try await bench.waitUntilWritten(10)
        try await bench.database.wait(
            for: "SELECT caught_up_at IS NOT NULL FROM kafka_offsets WHERE topic = 'upbit_ticker'", toBe: "t")
        try await bench.database.execute("CREATE TABLE released ()")
        let holder = DatabaseProbe(bench.database.configuration)
        async let held = holder.rows(
            """
            DO $$ BEGIN
                LOCK TABLE trade_data IN ACCESS EXCLUSIVE MODE;
                FOR look IN 1..6000 LOOP
                    EXIT WHEN EXISTS (SELECT FROM released);
                    PERFORM pg_sleep(0.02);
                END LOOP;
            END $$;
            """)
        try await bench.database.wait(
            for: """
                SELECT count(*) FROM pg_locks
                WHERE relation = 'trade_data'::regclass AND mode = 'AccessExclusiveLock' AND granted
                """, toBe: "1")
        let start = try await bench.now()
        try bench.write(10..<20)
        try await consumer.errorLine(containing: "the database is away", within: .seconds(60))
        let early = try await bench.database.rows(
            """
            SELECT next_offset, caught_up_at < $1::timestamptz FROM kafka_offsets WHERE topic = 'upbit_ticker'
            """, [start])
        try await bench.database.execute("INSERT INTO released DEFAULT VALUES")
        _ = try await held
        #expect(early == [["10", "t"]])
        try await bench.waitUntilWritten(20)
        try await bench.database.wait(
            for: "SELECT caught_up_at > '\(start)' FROM kafka_offsets WHERE topic = 'upbit_ticker'", toBe: "t")
        try await bench.expectEveryFrameOnce(20)
        try await expectCleanStop(consumer)
    }
}
