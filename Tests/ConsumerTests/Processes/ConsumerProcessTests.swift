import Foundation
import TestSupport
import Testing

@Suite("The consumer's process")
struct ConsumerProcessTests {
    @Test("Every record is a row or a dead letter, and nothing is both", .timeLimit(.minutes(5)))
    func rowsAndDeadLetters() async throws {
        let bench = try await ConsumerBench()
        let time: Int64 = 1_778_572_799_999  // the last millisecond of an hour; the next one is in the next
        let good = [
            ConsumerBench.frame(1), ConsumerBench.frame(1),  // equal trades in the same millisecond
            ConsumerBench.frame(0, time: time), ConsumerBench.frame(0, time: time + 1),
            ConsumerBench.frame(2, code: "BTC-ETH"),
            #"{"trade_volume":0.1234567891,"trade_price":0E-8,"new":[{}],"trade_timestamp":1778570091254,"code":"KRW-X"}"#,
        ]
        let bad = [
            "", "not JSON", "[]", "{}", #"{"code":"KRW-BTC","trade_price":1,"#, #"{"code":null}"#,
            #"{"code":"KRW-BTC","trade_price":NaN,"trade_volume":1,"trade_timestamp":1778570091254}"#,
        ]
        for frame in good + bad { try bench.writer.write(key: "KRW-BTC", value: Array(frame.utf8)) }
        try bench.writer.write(key: nil, value: nil)  // a tombstone
        try bench.writer.write(key: "KRW-BTC", value: [0x7B, 0xFF, 0x00, 0x7D])  // invalid UTF-8
        try bench.writer.write(key: "KRW-BTC", value: [UInt8](repeating: 0x20, count: 900_000))
        try bench.writer.flush()
        let consumer = try bench.startConsumer()
        try await bench.waitUntilWritten(good.count + bad.count + 3)

        let rows = try await bench.database.rows(
            "SELECT time::text, code, trade_price::text, trade_volume::text FROM trade_data ORDER BY 1, 2, 3, 4")
        #expect(
            rows == [
                ["2026-05-12 07:14:51.254+00", "X", "0.00000000", "0.1234567891"],
                ["2026-05-12 07:14:51.255+00", "BTC", "1.50", "0.0000005"],
                ["2026-05-12 07:14:51.255+00", "BTC", "1.50", "0.0000005"],
                ["2026-05-12 07:14:51.256+00", "BTC-ETH", "2.50", "0.0000005"],
                ["2026-05-12 07:59:59.999+00", "BTC", "0.50", "0.0000005"],
                ["2026-05-12 08:00:00+00", "BTC", "0.50", "0.0000005"],
            ])
        let letters = try await bench.database.rows(
            "SELECT encode(substr(value, 1, 12), 'escape'), reason FROM dead_letters WHERE value IS NOT NULL ORDER BY kafka_offset"
        )
        #expect(letters.count == bad.count + 2)
        #expect(letters[1] == ["not JSON", "not JSON"])
        #expect(letters[3] == ["{}", "code is missing"])
        let tombstones = try await bench.database.rows("SELECT key, reason FROM dead_letters WHERE value IS NULL")
        #expect(tombstones == [[nil, "the record has no value"]])
        try await expectCleanStop(consumer)
    }

    @Test("Kills in mid-stream leave no row missing or doubled", .timeLimit(.minutes(5)))
    func kills() async throws {
        let bench = try await ConsumerBench()
        let total = 20_000
        try bench.write(0..<total)
        // Small batches, so that kills meet every part of a transaction.
        let settings = ["CONSUMER_BATCH_ROWS": "50"]
        var generator = SystemRandomNumberGenerator()
        for kill in 0..<5 {
            // A group of its own each time, so that nobody waits for the dead member; the offsets are
            // the database's and do not mind.
            let consumer = try bench.startConsumer(settings.merging(["KAFKA_GROUP_ID": "kill-\(kill)"]) { $1 })
            // Once it writes, at a moment of its own choosing.
            let batches = Int.random(in: 1...20, using: &generator)
            try await consumer.errorLines(containing: "written", count: batches, within: .seconds(60))
            consumer.kill()
            #expect(try await consumer.exitStatus(within: .seconds(60)) == .signal(SIGKILL))
        }
        let last = try bench.startConsumer(settings)
        try await bench.waitUntilWritten(total)
        try await bench.expectEveryFrameOnce(total)
        try await expectCleanStop(last)
    }

    @Test("Two consumers share the partitions, and one goes on alone when the other is killed", .timeLimit(.minutes(5)))
    func twoConsumers() async throws {
        let bench = try await ConsumerBench()
        let first = try bench.startConsumer()
        let second = try bench.startConsumer()
        try bench.write(0..<2_000)
        try await bench.waitUntilWritten(2_000)
        first.kill()
        try bench.write(2_000..<4_000)
        try await bench.waitUntilWritten(4_000)
        try await bench.expectEveryFrameOnce(4000)
        try await expectCleanStop(second)
    }

    @Test("It goes on by itself after the database was killed and came back", .timeLimit(.minutes(5)))
    func databaseAway() async throws {
        let server = try await TimescaleServer()
        let bench = try await ConsumerBench(server: server)
        let consumer = try await bench.startConsumer(havingWritten: 1_000)
        try await server.kill()
        try bench.write(1_000..<2_000)
        try await consumer.errorLine(containing: "the database is away", within: .seconds(60))
        try await server.restart()
        try await bench.waitUntilWritten(2_000, within: .seconds(60))
        try await bench.expectEveryFrameOnce(2000)
        try await expectCleanStop(consumer)
        try await server.stop()
    }

    @Test("It goes on by itself after the brokers were away", .timeLimit(.minutes(5)))
    func brokersAway() async throws {
        let bench = try await ConsumerBench()
        let consumer = try await bench.startConsumer(havingWritten: 1_000)
        bench.kafka.setDown()
        try await consumer.errorLine(containing: "kafka", within: .seconds(60))
        bench.kafka.setUp()
        try bench.write(1_000..<2_000)
        try await bench.waitUntilWritten(2_000)
        try await bench.expectEveryFrameOnce(2000)
        try await expectCleanStop(consumer)
    }

    @Test("SIGTERM while the brokers are away ends it in order", .timeLimit(.minutes(5)))
    func stopWithoutBrokers() async throws {
        let bench = try await ConsumerBench()
        let consumer = try await bench.startConsumer(havingWritten: 1_000)
        bench.kafka.setDown()
        try await consumer.errorLine(containing: "kafka", within: .seconds(60))
        try await expectCleanStop(consumer)
        try await bench.expectEveryFrameOnce(1000)
    }

    @Test("A stored offset that the topic does not have stops it with the choice to make", .timeLimit(.minutes(5)))
    func missingOffset() async throws {
        let bench = try await ConsumerBench(partitions: 1)
        try bench.write(0..<10)
        let first = try bench.startConsumer()
        try await bench.waitUntilWritten(10)
        try await expectCleanStop(first)
        try await bench.database.execute("UPDATE kafka_offsets SET next_offset = 5000")
        let second = try bench.startConsumer()
        #expect(try await second.exitStatus(within: .seconds(60)) == .code(70))
        let message = try await second.errorLine(containing: "error: ", within: .seconds(60))
        #expect(message.contains("continues at 5000") && message.contains("offsets 0 to 10 now"))
        #expect(
            message.contains(
                "VALUES ('upbit_ticker', 0, 0) ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset;"
            )
        )
        #expect(try await bench.summary() == "10, 10, 0, 9")
    }

    @Test("Without TimescaleDB it makes a plain table with the same index and says so once", .timeLimit(.minutes(5)))
    func plainTable() async throws {
        let bench = try await ConsumerBench(extension: false)
        // The extension could be created here; a role without the right to do so cannot.
        try await bench.database.execute(
            "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN; GRANT ALL ON SCHEMA public TO plain")
        try bench.write(0..<100)
        let consumer = try bench.startConsumer(["TIMESCALEDB_USER": "plain"])
        try await bench.waitUntilWritten(100)
        try await bench.expectEveryFrameOnce(100)
        let index = try await bench.database.rows(
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'trade_data_code_time_idx'")
        #expect(
            index == [["CREATE INDEX trade_data_code_time_idx ON public.trade_data USING btree (code, \"time\" DESC)"]])
        try await expectCleanStop(consumer)
        #expect(consumer.errors.elements.filter { $0.contains("TimescaleDB is not installed") }.count == 1)
    }

    @Test(
        "A table that would round, or refuse a legal trade, stops it with the reason",
        .timeLimit(.minutes(5)),
        arguments: [
            (
                "trade_price double precision, trade_volume numeric",
                "column trade_price of trade_data is double precision"
            ),
            ("trade_price numeric, trade_volume numeric(18,8)", "column trade_volume of trade_data is numeric(18,8)"),
            (
                "trade_price numeric, trade_volume numeric, UNIQUE (time, code)",
                "refuse equal trades in one millisecond"
            ),
        ])
    func unfitTable(_ columns: String, _ message: String) async throws {
        let bench = try await ConsumerBench(partitions: 1)
        try await bench.database.execute(
            "CREATE TABLE trade_data (time timestamptz NOT NULL, code text NOT NULL, \(columns))")
        try bench.write(0..<1)
        let consumer = try bench.startConsumer()
        #expect(try await consumer.exitStatus(within: .seconds(60)) == .code(78))
        try await consumer.errorLine(containing: message, within: .seconds(60))
    }

    @Test("Where the tables are there, a role needs no right to create any", .timeLimit(.minutes(5)))
    func roleWithoutCreate() async throws {
        let bench = try await ConsumerBench()
        try bench.write(0..<100)
        let owner = try bench.startConsumer()
        try await bench.waitUntilWritten(100)
        try await expectCleanStop(owner)
        try await bench.database.execute(
            """
            DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN;
            GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO writer
            """)
        try bench.write(100..<200)
        let consumer = try bench.startConsumer(["TIMESCALEDB_USER": "writer"])
        try await bench.waitUntilWritten(200)
        try await expectCleanStop(consumer)
    }

    @Test("The table is a hypertable where TimescaleDB is there", .timeLimit(.minutes(5)))
    func hypertable() async throws {
        let bench = try await ConsumerBench()
        try bench.write(0..<1)
        let consumer = try bench.startConsumer(["TIMESCALEDB_CHUNK_INTERVAL": "6 hours"])
        try await bench.waitUntilWritten(1)
        let dimension = try await bench.database.rows(
            "SELECT hypertable_name, time_interval::text FROM timescaledb_information.dimensions")
        #expect(dimension == [["trade_data", "06:00:00"]])
        try await expectCleanStop(consumer)
    }

    @Test(
        "A malformed setting ends it with one line that names variable, value and what was expected",
        arguments: [
            (
                "CONSUMER_BATCH_ROWS", "many",
                "error: CONSUMER_BATCH_ROWS: 'many' is not a whole number from 1 to 1000000"
            ),
            ("TIMESCALEDB_PORT", "0", "error: TIMESCALEDB_PORT: '0' is not a whole number from 1 to 65535"),
            ("KAFKA_FETCH_WAIT_MAX_MS", "x", "error: KAFKA_FETCH_WAIT_MAX_MS: librdkafka refuses it: "),
            ("KAFKA_NO_SUCH_THING", "x", "error: KAFKA_NO_SUCH_THING: librdkafka refuses it: "),
        ])
    func malformedSetting(_ name: String, _ value: String, _ message: String) async throws {
        let consumer = try ChildProcess(
            BuiltProduct.path("consumer"), environment: [name: value, "PATH": "/usr/bin"], folder: "/tmp")
        #expect(try await consumer.exitStatus(within: .seconds(60)) == .code(78))
        try await consumer.errors.closed(within: .seconds(60), "the output")
        #expect(consumer.errors.elements.count == 1)
        #expect(consumer.errors.elements.first?.hasPrefix(message) == true)
    }
}

/// SIGTERM, and an end in order; after it all that the consumer said is there to be looked at.
func expectCleanStop(_ consumer: ChildProcess, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    // What it is to do may have been done by the one before it, and until it runs SIGTERM just ends it.
    try await consumer.errorLine(containing: "subscribed", within: .seconds(60))
    consumer.send(SIGTERM)
    let exit = try await consumer.exitStatus(within: .seconds(60))
    try await consumer.errors.closed(within: .seconds(60), "the consumer's output")
    #expect(exit == .code(0), "\(consumer.errors.elements.suffix(5))", sourceLocation: sourceLocation)
}
