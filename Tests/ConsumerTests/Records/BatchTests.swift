import Kafka
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
        #expect(batch.positions.news.map(\.next) == [9] && batch.rowCount == 0)
    }

    @Test("A batch is full at its number of records or bytes, and due when its first record is old enough")
    func limits() {
        let start = ContinuousClock.now
        var byRows = emptyBatch(.init(rows: 2, bytes: 1_000, latency: .seconds(1)))
        #expect(byRows.deadline == nil && byRows.hasRecords == false)
        add("x", to: &byRows, offset: 1, at: start)
        #expect(byRows.isFull == false && byRows.deadline == start + .seconds(1))
        add("x", to: &byRows, offset: 2, at: start + .seconds(9))
        #expect(byRows.isFull == true && byRows.deadline == start + .seconds(1))
        byRows.written()
        #expect(byRows.hasRecords == false && byRows.isFull == false && byRows.deadline == nil && byRows.rows.isEmpty)

        var byBytes = emptyBatch(.init(rows: 99, bytes: 40, latency: .seconds(1)))
        add(#"{"code":"KRW-A","trade_price":1,"trade_volume":2,"trade_timestamp":1745130655618}"#, to: &byBytes)
        #expect(byBytes.isFull == false)
        add(
            #"{"code":"KRW-A","trade_price":1,"trade_volume":2,"trade_timestamp":1745130655618}"#, to: &byBytes,
            offset: 1)
        #expect(byBytes.isFull == true)
    }

    @Test("Rows that were sent before the end are sent once, and count towards the batch's bytes")
    func sent() {
        let line = "2025-04-20 06:30:55.618+00\tA\t1\t2\n"
        var batch = emptyBatch(.init(rows: 100_000, bytes: 2_000 * line.utf8.count, latency: .seconds(1)))
        for offset in 0..<1_990 { add(tick, to: &batch, offset: Int64(offset)) }
        #expect(batch.hasChunk == true && batch.rows.count == 1_990 * line.utf8.count)
        batch.rowsSent()
        #expect(batch.hasChunk == false && batch.rows.isEmpty && batch.rowCount == 1_990)
        for offset in 1_990..<1_999 { add(tick, to: &batch, offset: Int64(offset)) }
        #expect(batch.isFull == false)
        add(tick, to: &batch, offset: 1_999)
        #expect(batch.isFull == true && text(batch.rows) == String(repeating: line, count: 10))
        batch.written()
        #expect(batch.isFull == false)
    }

    @Test("A batch is full when its trades lie in 64 different hours, in whatever order they come")
    func hours() {
        var batch = emptyBatch()
        let tick = { (hour: Int) in
            #"{"code":"KRW-A","trade_price":1,"trade_volume":2,"trade_timestamp":\#(1_745_128_800_000 + hour * 3_600_000)}"#
        }
        for (offset, hour) in [5, 4, 5, 3, 5].enumerated() { add(tick(hour), to: &batch, offset: Int64(offset)) }
        for hour in 6..<66 { add(tick(hour), to: &batch, offset: Int64(hour)) }
        #expect(batch.isFull == false)
        add(tick(0), to: &batch, offset: 66)
        #expect(batch.isFull == true)
        batch.written()
        #expect(batch.isFull == false)
    }

    @Test("A record that a producer sent before is dropped and counted, and its offset is passed")
    func repeated() {
        var batch = emptyBatch()
        for (offset, sequence) in [(0, 5), (1, 6), (2, 5), (3, 6), (4, 7)] {
            add(tick, from: ("p", UInt64(sequence)), to: &batch, offset: Int64(offset))
        }
        #expect(batch.rowCount == 3 && batch.repeatCount == 2)
        #expect(batch.positions.news.map(\.next) == [5] && batch.positions.news.map(\.repeats) == [2])
        batch.written()
        #expect(batch.positions.news.isEmpty && batch.repeatCount == 0 && batch.positions.all[0].stored == 5)
        add(tick, from: ("p", 7), to: &batch, offset: 5)
        #expect(batch.rowCount == 0 && batch.repeatCount == 1)
    }

    @Test("Equal records without a producer are as many rows")
    func anonymous() {
        var batch = emptyBatch()
        for offset in 0..<3 { add(tick, to: &batch, offset: Int64(offset)) }
        #expect(batch.rowCount == 3 && batch.repeatCount == 0)
    }

    @Test("An offset that was passed, and a partition that is another's, add nothing")
    func passed() {
        var batch = emptyBatch()
        add(tick, to: &batch, offset: 7)
        for offset: Int64 in [0, 6, 7] { #expect(!add(tick, to: &batch, offset: offset)) }
        for partition: Int32 in [-1, 2, 4, 99] { #expect(!add(tick, to: &batch, partition: partition)) }
        #expect(batch.rowCount == 1)
    }

    @Test("A record of the gaps' topic is a gap, or a dead letter of that topic")
    func gaps() {
        var batch = emptyBatch()
        let from: UInt64 = 1_767_225_600_000_000
        let gap = #"{"producer":"p","from":\#(from),"to":\#(from + 1),"reason":"stall"}"#
        for (offset, value) in [gap, "{}", gap.replacing("600000001", with: "600000009"), gap].enumerated() {
            add(value, source: .gaps, to: &batch, offset: Int64(offset))
        }
        #expect(batch.gaps.json == "[\(gap.replacing("600000001", with: "600000009"))]")
        #expect(text(batch.deadLetters) == "topic.gaps\t3\t1\t\\\\x4b52572d41\t\\\\x7b7d\tnot a gap\n")
        #expect(batch.rowCount == 0 && batch.positions.news.map(\.partition.topic) == ["topic.gaps"])
    }

    @Test("The gap that a tick ends is in its batch, also when the record is a dead letter or a repeat")
    func gapsOfTicks() {
        var batch = emptyBatch()
        let from: UInt64 = 1_767_225_600_000_000
        for (offset, value) in [tick, "x", tick].enumerated() {
            // The third one has the number of the second.
            let headers = [
                ("producer", "p"), ("seq", "\(min(offset, 1))"), ("received", "\(from + 9)"),
                ("gap", "\(from + UInt64(offset)),restart"),
            ]
            bytes(value) { value in
                withOrigin(headers: headers) { origin in
                    _ = batch.add(
                        SourceRecord(source: .ticks, partition: 3, offset: Int64(offset), value: value, origin: origin),
                        at: .now)
                }
            }
        }
        #expect(batch.gaps.count == 3 && batch.rowCount == 1 && batch.deadLetterCount == 1 && batch.repeatCount == 1)
    }

    private let tick = #"{"code":"KRW-A","trade_price":1,"trade_volume":2,"trade_timestamp":1745130655618}"#

    private func emptyBatch(
        _ limits: Batch.Limits = .init(rows: 100, bytes: 10_000, latency: .seconds(1))
    ) -> Batch {
        let topics = Topics(ticks: "topic")
        var batch = Batch(topics: topics, limits: limits)
        batch.begin(
            at: Positions(
                ["topic", "topic.gaps"].map { TopicPartition(topic: $0, partition: 3) }, of: topics, stored: [:]))
        return batch
    }

    @discardableResult
    private func add(
        _ value: String?, key: String? = "KRW-A", source: Source = .ticks, from origin: (String, UInt64)? = nil,
        to batch: inout Batch, partition: Int32 = 3, offset: Int64 = 0, at now: ContinuousClock.Instant = .now
    ) -> Bool {
        bytes(value) { value in
            bytes(key) { key in
                withOrigin(origin) { origin in
                    batch.add(
                        SourceRecord(
                            source: source, partition: partition, offset: offset, key: key, value: value,
                            origin: origin), at: now)
                }
            }
        }
    }

    private func bytes<Result>(_ text: String?, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        guard let text else { return body(nil) }
        return Array(text.utf8).withUnsafeBytes(body)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
