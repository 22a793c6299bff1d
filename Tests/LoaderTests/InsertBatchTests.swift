import Foundation
import Testing

@testable import Loader

@Suite("Batches of rows")
struct InsertBatchTests {
    private static let load = Load(hour: ClockHour(number: 0), id: "id", startedAt: "1970-01-01T00:00:00Z")

    private func batch(_ count: Int) -> InsertBatch {
        let encoder = RowEncoder(load: Self.load, rowBytesLimit: 1_000)
        var batch = InsertBatch()
        for ordinal in 0..<count {
            batch.append { body in
                Array("1970-01-01 00:00:00+00\tC\(ordinal)\t1.5\t2\n".utf8).withUnsafeBytes {
                    encoder.append($0, ordinal: ordinal, to: &body) != .rejected(reason: "")
                }
            }
        }
        return batch
    }

    private func codes(_ batch: InsertBatch) throws -> [String] {
        let object = try JSONSerialization.jsonObject(with: Data(batch.body())) as? [String: Any]
        let rows = try #require(object?["rows"] as? [[String: Any]])
        return try rows.map { try #require(($0["json"] as? [String: Any])?["code"] as? String) }
    }

    private func errors(_ json: String) throws -> [InsertAllAnswer.RowErrors] {
        try JSONDecoder().decode(InsertAllAnswer.self, from: Data(json.utf8)).insertErrors ?? []
    }

    @Test("The body is one JSON object with the rows in their order, of the size that was foretold")
    func body() throws {
        let batch = batch(3)
        #expect(try codes(batch) == ["C0", "C1", "C2"])
        #expect(batch.body().count == batch.bodyBytes && Array(batch.bodyParts.joined()) == batch.body())
    }

    @Test("When all rows landed nothing remains, whether the key is absent or an empty list")
    func allLanded() throws {
        for answer in ["{}", #"{"insertErrors":[]}"#] {
            var batch = batch(3)
            let outcome = batch.receive(try errors(answer))
            #expect(batch.rowCount == 0 && outcome.refused.isEmpty && outcome.failure == nil)
        }
    }

    @Test("An invalid row is refused with BigQuery's reason, and the stopped ones are sent again at once")
    func invalidAndStopped() throws {
        var batch = batch(3)
        let outcome = batch.receive(
            try errors(
                """
                {"insertErrors":[{"index":0,"errors":[{"reason":"stopped","message":""}]},
                {"index":1,"errors":[{"reason":"invalid","message":"no such field: x."}]},
                {"index":2,"errors":[{"reason":"stopped","message":""}]}]}
                """))
        #expect(try codes(batch) == ["C0", "C2"])
        #expect(outcome.failure == nil)
        let refused = try #require(outcome.refused.first)
        #expect(refused.row.reason == "BigQuery: no such field: x.")
        #expect(refused.row.copyFields == Array("1970-01-01T00:00:00Z\tC1\t1.5\t2".utf8))
    }

    @Test(
        "Rows that failed in passing are sent again after a wait; the others have landed",
        arguments: ["backendError", "timeout", "internalError", "rateLimitExceeded"])
    func partial(reason: String) throws {
        var batch = batch(3)
        let outcome = batch.receive(
            try errors(#"{"insertErrors":[{"index":1,"errors":[{"reason":"\#(reason)","message":"m"}]}]}"#))
        #expect(try codes(batch) == ["C1"])
        #expect(outcome.failure?.reason == reason)
        #expect(outcome.failure?.kind == (reason == "rateLimitExceeded" ? .rateLimited : .transient))
    }

    @Test("Rows that are stopped for no stated reason are tried like an outage, not for ever")
    func onlyStopped() throws {
        var batch = batch(1)
        let outcome = batch.receive(try errors(#"{"insertErrors":[{"index":0,"errors":[{"reason":"stopped"}]}]}"#))
        #expect(outcome.failure?.kind == .transient)
    }

    @Test("A reason nobody knows, and an index that does not exist, crash nothing and lose nothing")
    func oddities() throws {
        var batch = batch(2)
        let outcome = batch.receive(
            try errors(
                #"{"insertErrors":[{"index":1,"errors":[{"reason":"new"}]},{"index":9},{"index":-1},{"index":0}]}"#))
        #expect(batch.rowCount == 2)
        #expect(outcome.failure?.kind == .permanent)
    }

    @Test("Halves have all rows; the last row can be taken off")
    func splitting() throws {
        let (first, second) = batch(5).halves()
        #expect(try codes(first) + codes(second) == ["C0", "C1", "C2", "C3", "C4"])
        var rest = batch(3)
        let last = rest.removeLast()
        #expect(try codes(rest) == ["C0", "C1"])
        #expect(try codes(last) == ["C2"])
    }
}
