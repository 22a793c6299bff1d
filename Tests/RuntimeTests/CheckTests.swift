import Testing

@testable import Runtime

@Suite("A check")
struct CheckTests {
    private static let away = Finding.unavailable("b", "gone", next: "Start it")

    @Test("All looks are made at once, and told in their order")
    func order() async {
        let (signal, sender) = AsyncStream.makeStream(of: Void.self)
        let first = Check("a", at: "A") { _ in
            for await _ in signal { break }  // ends only when the second one is at it
            return [.works("a", "1"), .note("a", "2")]
        }
        let second = Check("b", at: "B") { _ in
            sender.yield()
            return [Self.away]
        }
        let findings = await Check.all([first, second], within: .seconds(60))
        #expect(findings == [.works("a", "1"), .note("a", "2"), Self.away])
    }

    @Test("What does not end in time is told as unavailable, and the others are told too")
    func timeout() async {
        let stuck = Check("b", at: "host:1") { _ in
            await withUnsafeContinuation { (_: UnsafeContinuation<[Finding], Never>) in }
        }
        let quick = Check("a", at: "A") { _ in [.works("a", "1")] }
        let findings = await Check.all([stuck, quick], within: .milliseconds(500))
        #expect(findings.map(\.subject) == ["b", "a"])
        #expect(findings.first?.outcome == .failed(69))
        #expect(findings.first?.detail == "host:1: no answer within 0.5 seconds")
    }

    @Test("The exit code tells what a person must mend from what may pass by itself")
    func exitCodes() {
        let wrong = Finding.misconfigured("c", "wrong")
        #expect(exitStatus(of: [.works("a", ""), .note("a", "")], toleratingOutage: false) == 0)
        #expect(exitStatus(of: [.works("a", ""), Self.away], toleratingOutage: false) == 69)
        #expect(exitStatus(of: [Self.away], toleratingOutage: true) == 0)
        #expect(exitStatus(of: [wrong, Self.away], toleratingOutage: false) == 78)
        #expect(exitStatus(of: [wrong, Self.away], toleratingOutage: true) == 78)
    }

    @Test("A finding is one line: what, how it is, where, and the next step")
    func line() {
        #expect(Finding.works("Kafka", "host:1: 1 broker").line == "ok      Kafka: host:1: 1 broker")
        #expect(Self.away.line == "FAILED  b: gone. Start it")
        #expect(Finding.note("c", "two\nlines").line == #"note    c: two\nlines"#)
    }
}
