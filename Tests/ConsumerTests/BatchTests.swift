import Testing

@testable import Consumer

@Suite("A batch collects rows, dead letters and offsets")
struct BatchTests {
    @Test("A row has the time in UTC, the code without KRW-, and the digits as they were sent")
    func row() {
        var batch = emptyBatch()
        add(
            #"{"code":"KRW-BTC","trade_price":1.16539E8,"trade_volume":0E-8,"trade_timestamp":1745130655618}"#,
            to: &batch)
        #expect(text(batch.rows) == "2025-04-20 06:30:55.618+00\tBTC\t1.16539E8\t0E-8\n")
        #expect(batch.rowCount == 1 && batch.deadLetterCount == 0)
    }

    @Test("A market that is not paid in won keeps its whole code")
    func otherMarket() {
        var batch = emptyBatch()
        add(#"{"code":"BTC-ETH","trade_price":1,"trade_volume":2,"trade_timestamp":1745130655618}"#, to: &batch)
        #expect(text(batch.rows) == "2025-04-20 06:30:55.618+00\tBTC-ETH\t1\t2\n")
    }

    @Test("A record that cannot be a row is a dead letter with its key, its bytes and the reason")
    func deadLetter() {
        var batch = emptyBatch()
        add("{\t\\", key: "k", to: &batch, offset: 7)
        add(nil, key: nil, to: &batch, offset: 8)
        #expect(
            text(batch.deadLetters) == """
                topic\t3\t7\t\\\\x6b\t\\\\x7b095c\tnot JSON
                topic\t3\t8\t\\N\t\\N\tthe record has no value

                """)
        #expect(batch.nextOffsets == [3: 9] && batch.rowCount == 0)
    }

    @Test("A batch is full at its number of records or bytes, and due when its first record is old enough")
    func limits() {
        let start = ContinuousClock.now
        var byRows = emptyBatch(.init(rows: 2, bytes: 1_000, latency: .seconds(1)))
        #expect(byRows.deadline == nil && byRows.isEmpty)
        add("x", to: &byRows, at: start)
        #expect(!byRows.isFull && byRows.deadline == start + .seconds(1))
        add("x", to: &byRows, at: start + .seconds(9))
        #expect(byRows.isFull && byRows.deadline == start + .seconds(1))
        byRows.removeAll()
        #expect(byRows.isEmpty && !byRows.isFull && byRows.deadline == nil && byRows.rows.isEmpty)

        var byBytes = emptyBatch(.init(rows: 99, bytes: 40, latency: .seconds(1)))
        add(#"{"code":"KRW-A","trade_price":1,"trade_volume":2,"trade_timestamp":1745130655618}"#, to: &byBytes)
        #expect(!byBytes.isFull)
        add(#"{"code":"KRW-A","trade_price":1,"trade_volume":2,"trade_timestamp":1745130655618}"#, to: &byBytes)
        #expect(byBytes.isFull)
    }

    private func emptyBatch(
        _ limits: Batch.Limits = .init(rows: 100, bytes: 10_000, latency: .seconds(1))
    ) -> Batch { Batch(topic: "topic", limits: limits) }

    private func add(
        _ value: String?, key: String? = "KRW-A", to batch: inout Batch, offset: Int64 = 0,
        at now: ContinuousClock.Instant = .now
    ) {
        Array((value ?? "").utf8).withUnsafeBytes { valueBytes in
            Array((key ?? "").utf8).withUnsafeBytes { keyBytes in
                batch.add(
                    partition: 3, offset: offset, key: key == nil ? nil : keyBytes,
                    value: value == nil ? nil : valueBytes, at: now)
            }
        }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
