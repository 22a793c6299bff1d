import Kafka
import Postgres
import TestSupport
import Testing

@testable import Consumer

@Suite("Rows that are sent before their batch ends", .timeLimit(.minutes(5)))
struct StoreTests {
    private let topics = Topics(ticks: "ticks")

    @Test("Nobody sees them before the batch is written, and then they are there with the rest")
    func early() async throws {
        let tables = try await CompletenessDatabase()
        try await tables.connected { connection in
            var store = Store(try PostgresConnection(tables.probe.configuration), topics: topics)
            var batch = emptyBatch()
            for offset in 0..<3 {
                add(price: offset, to: &batch, offset)
                try store.sendRows(of: &batch)
            }
            add(price: 3, to: &batch, 3)
            #expect(try connection.query("SELECT count(*) FROM trade_data").integer(0, 0) == 0)
            try store.write(&batch)
            let written = try connection.query(
                "SELECT count(*), sum(trade_price), max(next_offset) FROM trade_data, kafka_offsets")
            #expect([written.integer(0, 0), written.integer(0, 1), written.integer(0, 2)] == [4, 6, 4])
        }
    }

    @Test("Of a batch that is abandoned nothing is written, and the connection goes on")
    func abandoned() async throws {
        let tables = try await CompletenessDatabase()
        try await tables.connected { connection in
            var store = Store(try PostgresConnection(tables.probe.configuration), topics: topics)
            var batch = emptyBatch()
            add(price: 7, to: &batch, 0)
            try store.sendRows(of: &batch)
            try store.abandon()
            // Once more is nothing.
            try store.abandon()
            batch = emptyBatch()
            add(price: 8, to: &batch, 0)
            try store.write(&batch)
            let written = try connection.query("SELECT count(*), max(trade_price) FROM trade_data")
            #expect([written.integer(0, 0), written.integer(0, 1)] == [1, 8])
        }
    }

    @Test("They are gone when another consumer moved the partition, and the connection goes on")
    func superseded() async throws {
        let tables = try await CompletenessDatabase()
        try await tables.connected { connection in
            var store = Store(try PostgresConnection(tables.probe.configuration), topics: topics)
            var batch = emptyBatch()
            add(price: 7, to: &batch, 0)
            try store.write(&batch)
            batch.written()
            add(price: 8, to: &batch, 1)
            try store.sendRows(of: &batch)
            try connection.execute("UPDATE kafka_offsets SET next_offset = 2")
            var isSuperseded = false
            do throws(Store.WriteError) {
                try store.write(&batch)
            } catch {
                if case .superseded = error { isSuperseded = true }
            }
            #expect(isSuperseded)
            #expect(try connection.query("SELECT sum(trade_price) FROM trade_data").integer(0, 0) == 7)
            #expect(try store.positions().values.map(\.nextOffset) == [2])
        }
    }

    private func emptyBatch() -> Batch {
        var batch = Batch(topics: topics, limits: .init(rows: 1_000, bytes: 1_000_000, latency: .seconds(1)))
        batch.begin(at: Positions([TopicPartition(topic: "ticks", partition: 0)], of: topics, stored: [:]))
        return batch
    }

    private func add(price: Int, to batch: inout Batch, _ offset: Int) {
        let frame = #"{"code":"KRW-A","trade_price":\#(price),"trade_volume":2,"trade_timestamp":1745130655618}"#
        Array(frame.utf8).withUnsafeBytes { value in
            _ = batch.add(SourceRecord(source: .ticks, partition: 0, offset: Int64(offset), value: value), at: .now)
        }
    }
}
