import Market
import Testing

@Suite struct GapTests {
    private let gap = Gap(
        producer: "host-5f0c", from: 1_767_225_600_000_000, to: 1_767_225_612_500_000, reason: .spoolFull)

    private func parse(_ text: String) -> Gap? { Array(text.utf8).withUnsafeBytes { Gap(parsing: $0) } }

    @Test func `What was written is read back`() {
        #expect(
            gap.json
                == #"{"producer":"host-5f0c","from":1767225600000000,"to":1767225612500000,"reason":"spool_full"}"#)
        #expect(parse(gap.json) == gap)
    }

    @Test func `Fields may come in any order, with others between them`() {
        let text =
            #" {"reason":"spool_full","x":[1,{"to":2}],"to":1767225612500000,"from":1767225600000000,"producer":"host-5f0c"} "#
        #expect(parse(text) == gap)
    }

    @Test func `A reason of a later version is kept`() {
        #expect(
            parse(gap.json.replacing("spool_full", with: "moon_phase"))?.reason == Gap.Reason(rawValue: "moon_phase"))
    }

    @Test(arguments: [
        "", "{}", "[]", "null", "{\"from\":1}",
        #"{"producer":"p","from":1767225612500000,"to":1767225600000000,"reason":"stall"}"#,
        #"{"producer":"p","from":1767225600,"to":1767225601,"reason":"stall"}"#,
        #"{"producer":"p","from":1767225600000000.5,"to":1767225612500000,"reason":"stall"}"#,
        #"{"producer":"p","from":-1,"to":1767225612500000,"reason":"stall"}"#,
        #"{"producer":"","from":1767225600000000,"to":1767225612500000,"reason":"stall"}"#,
        #"{"producer":"a\\b","from":1767225600000000,"to":1767225612500000,"reason":"stall"}"#,
        #"{"producer":"é","from":1767225600000000,"to":1767225612500000,"reason":"stall"}"#,
        #"{"producer":"p","from":1767225600000000,"to":1767225612500000,"reason":"STALL\t"}"#,
        #"{"producer":"p","from":1767225600000000,"to":1767225612500000,"reason":"stall"} x"#,
        #"{"producer":"p","from":1767225600000000,"to":1767225612500000,"reason":"stall""#,
    ])
    func `What is no gap is refused`(text: String) { #expect(parse(text) == nil) }
}
