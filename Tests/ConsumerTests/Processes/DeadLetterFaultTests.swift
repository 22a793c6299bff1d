import Glibc
import TestSupport
import Testing

@Suite("Dead letters and faults")
struct DeadLetterFaultTests {
    @Test(
        "The consumer is killed among records that are no ticks: the one after it keeps each once, byte for byte",
        .timeLimit(.minutes(5)), arguments: TransactionPoint.allCases)
    func kill(_ point: TransactionPoint) async throws {
        let bench = try await ConsumerBench()
        let proxy = try await bench.startProxy()
        let first = try bench.startConsumer(["KAFKA_GROUP_ID": "first"], through: proxy)
        try bench.write(0..<1_000)
        try bench.writeMalformed(0..<20)
        try await bench.waitUntilWritten(1_020)
        // It waits for an answer that does not come, and dies waiting.
        try await proxy.set(point.trap(.silence))
        try bench.write(1_000..<1_500)
        try bench.writeMalformed(20..<40)
        try bench.write(1_500..<2_000)
        try await proxy.observed.wait { $0.trappedCount == 1 }
        first.kill()
        #expect(try await first.exitStatus(within: .seconds(60)) == .signal(SIGKILL))
        try await proxy.cut(.reset)
        let second = try bench.startConsumer(["KAFKA_GROUP_ID": "second"], through: proxy)
        try await bench.waitUntilWritten(2_040)
        try await bench.expectEveryFrameOnce(2_000, deadLetters: 40)
        let letters = try await bench.database.rows("SELECT key, value FROM dead_letters ORDER BY value, key")
        let sent = (0..<40).map { ConsumerBench.malformed($0) }.sorted {
            ($0.value ?? "~", $0.key) < ($1.value ?? "~", $1.key)
        }
        let spelled = sent.map { [hexadecimal($0.key), $0.value.flatMap(hexadecimal)] }
        #expect(letters == spelled)
        try await expectCleanStop(second)
        await proxy.stop()
    }
}

extension ConsumerBench {
    /// A record that is no tick, of one of four kinds.
    fileprivate static func malformed(_ number: Int) -> (key: String, value: String?) {
        let key = "KRW-M\(number % 17)"
        let frame = frame(number, code: key)
        return switch number % 4 {
        case 0: (key, "no JSON, \\number\t\(number)\n")
        case 1: (key, frame.replacing("trade_volume", with: "volume"))
        case 2: (key, frame.replacing("5e-07", with: "-5e-07"))
        // Nothing tells them apart but their keys.
        default: ("null-\(number + 100)", nil)
        }
    }

    fileprivate func writeMalformed(_ numbers: Range<Int>) throws {
        for number in numbers {
            let record = Self.malformed(number)
            try writer.write(key: record.key, value: record.value.map { Array($0.utf8) })
        }
        try writer.flush()
    }
}

private func hexadecimal(_ text: String) -> String {
    #"\x"# + text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
