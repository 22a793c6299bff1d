import Market
import Testing

@testable import Consumer

/// Calls `body` with the origin of a record that has these headers.
func withOrigin<Result>(headers: [(String, String)], _ body: (Origin?) -> Result) -> Result {
    let bytes = headers.map { (Array($0.0.utf8), Array($0.1.utf8)) }
    func take(_ index: Int, _ taken: Origin.Headers) -> Result {
        guard index < bytes.count else { return body(Origin(taken)) }
        return bytes[index].0.withUnsafeBytes { name in
            bytes[index].1.withUnsafeBytes { value in
                var taken = taken
                taken.take(name, value)
                return take(index + 1, taken)
            }
        }
    }
    return take(0, Origin.Headers())
}

/// Calls `body` with the origin of a producer's record; nil is a record without headers.
func withOrigin<Result>(_ origin: (String, UInt64)?, _ body: (Origin?) -> Result) -> Result {
    guard let (producer, sequence) = origin else { return body(nil) }
    return withOrigin(headers: [("producer", producer), ("seq", "\(sequence)"), ("received", "1")], body)
}

@Suite("A record's origin")
struct OriginTests {
    @Test("It is the producer and the number, in any order and among other headers")
    func complete() {
        let headers = [
            ("x", "y"), ("seq", "18446744073709551615"), ("received", "1"), ("trace", ""), ("producer", "p"),
        ]
        withOrigin(headers: headers) { origin in
            #expect(origin?.sequence == .max)
            #expect(origin.map { String(decoding: $0.producer, as: UTF8.self) } == "p")
        }
    }

    @Test("It tells the gap that the record ends, which was over when it was received")
    func gap() {
        let from: UInt64 = 1_767_225_600_000_000
        let headers = [("producer", "p"), ("seq", "1"), ("received", "\(from + 5)")]
        withOrigin(headers: headers + [("gap", "\(from),stall")]) { origin in
            #expect(origin?.gap == Gap(producer: "p", from: from, to: from + 5, reason: .stall))
        }
        for text in ["", ",", "\(from)", "\(from),", "\(from),A", "\(from + 6),stall", "x,stall", "1,stall", ",stall"] {
            withOrigin(headers: headers + [("gap", text)]) { #expect($0 != nil && $0?.gap == nil) }
        }
        withOrigin(headers: [("gap", "\(from),stall")] + headers.dropLast()) { #expect($0 == nil) }
        let far = headers.dropLast() + [("received", "\(UInt64.max)"), ("gap", "\(from),stall")]
        withOrigin(headers: Array(far)) { #expect($0 != nil && $0?.gap == nil) }
    }

    @Test("It tells until when the producer's records are settled")
    func settled() {
        let headers = [("producer", "p"), ("seq", "1"), ("received", "5")]
        let time: UInt64 = 1_778_570_091_254_000
        withOrigin(headers: headers + [("settled", "\(time)")]) { #expect($0?.settledMicroseconds == time) }
        let far = ["\(UInt64.max)", "\(Int64.max)", "4"].map { [("settled", $0)] }
        for other in [[], [("settled", "")], [("settled", "-\(time)")], [("settle", "\(time)")]] + far {
            withOrigin(headers: headers + other) { #expect($0 != nil && $0?.settledMicroseconds == nil) }
        }
    }

    @Test("Of two headers of one name the last counts")
    func last() {
        withOrigin(headers: [("seq", "x"), ("producer", "p"), ("received", "1"), ("seq", "7")]) { origin in
            #expect(origin?.sequence == 7)
        }
    }

    @Test(
        "There is none when a header is missing or malformed",
        arguments: [
            ["seq": "1", "received": "1"], ["producer": "p", "received": "1"], ["producer": "p", "seq": "1"],
            ["producer": "", "seq": "1", "received": "1"], ["producer": "p", "seq": "", "received": "1"],
            ["producer": "p", "seq": "1", "received": ""], ["producer": "p", "seq": "-1", "received": "1"],
            ["producer": "p", "seq": "1 ", "received": "1"], ["producer": "p", "seq": "0x1", "received": "1"],
            ["producer": "p", "seq": "18446744073709551616", "received": "1"],
            ["producer": "p", "seq": "99999999999999999999", "received": "1"],
            ["producer": "p", "seq": "000000000000000000001", "received": "1"],
            ["producer": "p", "seq": "1", "received": "now"], ["Producer": "p", "Seq": "1", "Received": "1"],
        ])
    func incomplete(_ headers: [String: String]) {
        withOrigin(headers: headers.map { ($0.key, $0.value) }) { #expect($0 == nil) }
    }
}
