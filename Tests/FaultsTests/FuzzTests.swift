import Testing

@testable import Faults

@Suite("Fuzzed records")
struct FuzzTests {
    @Test("The consumer makes of each what a second reading does, and lives", .timeLimit(.minutes(5)))
    func shortRound() async throws {
        let seed = UInt64.random(in: 0...999_999)
        let world = try await FuzzWorld()
        var fuzzer = RecordFuzzer(seed: seed)
        var totals = FuzzTotals()
        do {
            while totals.records < 10_000 { try await world.round(of: 5_000, from: &fuzzer, &totals) }
            try await world.stop()
        } catch {
            Issue.record("seed \(seed): \(error)")
        }
        #expect(totals.rows > 1_000 && totals.deadLetters > 1_000 && totals.repeats > 100, "seed \(seed): \(totals)")
    }

    @Test(
        "The second reading takes what is a row",
        arguments: [
            #"{"code":"KRW-A","trade_price":1,"trade_volume":0E-8,"trade_timestamp":1767311880000}"#,
            #" { "trade_timestamp" : 946684800000 , "x":[{"y":"\u00e9\"}"},-1.5e+3], "code":"KRW-A", "trade_price":1e999,"trade_volume":2}"#,
        ])
    func row(_ frame: String) {
        #expect(SecondReading.row(of: Array(frame.utf8))?.code == "A")
    }

    @Test(
        "The second reading refuses what is none",
        arguments: [
            #"{"code":"KRW-A","trade_price":1,"trade_volume":01,"trade_timestamp":1767311880000}"#,
            #"{"code":"KRW-A","trade_price":-1,"trade_volume":1,"trade_timestamp":1767311880000}"#,
            #"{"code":"KRW-A","trade_price":1,"trade_price":1,"trade_volume":1,"trade_timestamp":1767311880000}"#,
            #"{"code":"KRWA","trade_price":1,"trade_volume":1,"trade_timestamp":1767311880000}"#,
            #"{"code":"KRW-A","trade_price":1,"trade_volume":1,"trade_timestamp":1767311880000.0}"#,
            #"{"code":"KRW-A","trade_price":1,"trade_volume":1,"trade_timestamp":1767311880000"#,
            #"{"code":"KRW-A","trade_price":1,"trade_volume":1,"trade_timestamp":1767311880000]"#,
            #"{"code":"KRW-A","trade_price":1,"trade_volume":1,"trade_timestamp":1767311880000},"#,
            #"[{"code":"KRW-A","trade_price":1,"trade_volume":1,"trade_timestamp":1767311880000}]"#, "",
        ])
    func noRow(_ frame: String) {
        #expect(SecondReading.row(of: Array(frame.utf8)) == nil)
    }
}
