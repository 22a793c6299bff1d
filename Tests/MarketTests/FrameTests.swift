import Market
import Testing

@Suite("A frame is told apart by its first keys")
struct FrameTests {
    @Test("A ticker is data, with its market and the time of its trade")
    func ticker() {
        let frame = TickTests.frame
        guard case .data(let key) = classify(frame) else { return #expect(Bool(false), "not data") }
        #expect(key.code.map { String(decoding: Array(frame.utf8)[$0], as: UTF8.self) } == "KRW-BTC")
        #expect(key.timestampMilliseconds == 1_745_130_655_618)
    }

    @Test("UP is a heartbeat and an error is an error, whatever else is in them")
    func statusAndError() {
        #expect(classify(#"{"status":"UP"}"#) == .status)
        #expect(classify(#"{"error":{"name":"WRONG_FORMAT","message":"bad"}}"#) == .error)
        #expect(classify(#"{"error":{"name":500}}"#) == .error)
    }

    @Test("A ticker that has a field named status behind its code is still data")
    func dataWithStatus() {
        #expect(
            classify(#"{"code":"KRW-A","status":"UP","trade_timestamp":1745130655618}"#)
                == .data(.init(code: 9..<14, timestampMilliseconds: 1_745_130_655_618)))
    }

    @Test("A ticker with a new field named status or error before its code is still data")
    func dataBehindStatus() {
        for field in ["status", "error"] {
            guard case .data(let key) = classify(#"{"\#(field)":"x","code":"KRW-A","trade_timestamp":1745130655618}"#)
            else {
                Issue.record("a tick would be dropped")
                continue
            }
            #expect(key.code != nil && key.timestampMilliseconds != nil)
        }
    }

    @Test(
        "What has neither code nor time, or is not JSON, is data without a key",
        arguments: ["", "[]", "garbage", #"{"code":7,"trade_timestamp":"x"}"#, #"{"code":"KRW"#, #"{"other":1}"#])
    func unknown(_ frame: String) {
        #expect(classify(frame) == .data(.init()))
    }

    @Test("What was found before a frame breaks off is kept")
    func truncated() {
        #expect(classify(#"{"code":"KRW-A","trade_ti"#) == .data(.init(code: 9..<14)))
    }

    private func classify(_ frame: String) -> Frame {
        Array(frame.utf8).withUnsafeBytes { Frame($0) }
    }
}
