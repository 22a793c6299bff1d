import Foundation
import TestSupport
import Testing

@Suite("A database of the version before")
struct UpgradeTests {
    /// What version 0.1.0 made, moved behind the first ten records.
    private func oldDatabase() async throws -> ConsumerBench {
        let bench = try await ConsumerBench(partitions: 1)
        try await bench.database.execute(
            """
            CREATE TABLE kafka_offsets (
                topic text NOT NULL, partition integer NOT NULL, next_offset bigint NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (topic, partition));
            INSERT INTO kafka_offsets (topic, partition, next_offset) VALUES ('upbit_ticker', 0, 10)
            """)
        try bench.write(0..<10)
        return bench
    }

    @Test("It gets the new columns and goes on where it was", .timeLimit(.minutes(5)))
    func upgrade() async throws {
        let bench = try await oldDatabase()
        try bench.write(10..<20, from: "p")
        try bench.write(15..<20, from: "p")
        let consumer = try bench.startConsumer()
        try await bench.waitUntilWritten(25)
        #expect(try await bench.summary() == "10, 10, 10, 19")
        #expect(
            try await bench.database.rows(
                "SELECT producers::text, repeats_dropped FROM kafka_offsets WHERE topic = 'upbit_ticker'") == [
                    [#"[["p", 20]]"#, "5"]
                ])
        try await expectCleanStop(consumer)
    }

    @Test(
        "A role that may not change it is told the statement to run, and does without the view", .timeLimit(.minutes(5))
    )
    func roleWithoutAlter() async throws {
        let bench = try await oldDatabase()
        let owner = try bench.startConsumer(["KAFKA_GROUP_ID": "owner"])
        try await owner.errorLine(containing: "connected to the database", within: .seconds(60))
        try await expectCleanStop(owner)
        try await bench.database.execute(
            """
            ALTER TABLE kafka_offsets DROP COLUMN producers, DROP COLUMN recorded_until CASCADE;
            DROP ROLE IF EXISTS newcomer; CREATE ROLE newcomer LOGIN;
            GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO newcomer
            """)
        let consumer = try bench.startConsumer(["TIMESCALEDB_USER": "newcomer"])
        #expect(try await consumer.exitStatus(within: .seconds(60)) == .code(78))
        let line = try await consumer.errorLine(containing: "error: ", within: .seconds(60))
        let statement = try #require(line.range(of: "run as the owner of the tables: ")).upperBound
        try await bench.database.execute(String(line[statement...]))
        let again = try bench.startConsumer(["TIMESCALEDB_USER": "newcomer", "KAFKA_GROUP_ID": "again"])
        try await again.errorLine(containing: "VIEW completeness", within: .seconds(60))
        try await again.errorLine(containing: "connected to the database", within: .seconds(60))
        try await expectCleanStop(again)
    }
}
