import Foundation
import TestSupport
import Testing

@Suite("The completeness of what a consumer wrote")
struct CompletenessProcessTests {
    @Test(
        "Of a session with dropped frames it names exactly the markets and hours that miss something",
        .timeLimit(.minutes(5)))
    func droppedFrames() async throws {
        let bench = try await ConsumerBench()
        let seed = UInt64.random(in: 0...999_999)
        let session = HourlySession(seed: seed)
        // A day before, so that the first hour has something to go on from.
        for code in session.codes { try bench.writer.write(key: code, value: session.dayBefore(code)) }
        for (index, frame) in session.frames.enumerated() where !session.dropped.contains(index) {
            try bench.writer.write(key: frame.code, value: frame.bytes)
        }
        try bench.writer.flush()
        // A consumer that dies in mid-stream, and one that goes on.
        let first = try bench.startConsumer(["CONSUMER_BATCH_ROWS": "100", "KAFKA_GROUP_ID": "first"])
        try await first.errorLines(containing: "written", count: 3, within: .seconds(60))
        first.kill()
        _ = try await first.exitStatus(within: .seconds(60))
        let second = try bench.startConsumer(["KAFKA_GROUP_ID": "second"])
        try await bench.waitUntilWritten(session.codes.count + session.frames.count - session.dropped.count)

        let answers = try await bench.database.rows(
            """
            SELECT 'KRW-' || code, extract(epoch FROM hour)::bigint / 3600, trim_scale(missing_volume)
            FROM completeness WHERE missing_volume > 0 OR missing_before > 0 OR NOT complete ORDER BY 1, 2
            """)
        #expect(answers == session.expectation, "seed \(seed)")
        let sums = try await bench.database.rows(
            """
            SELECT sum(ticks) = (SELECT count(*) FROM trade_data),
                sum(volume) = (SELECT sum(trade_volume) FROM trade_data), sum(repeats + late + unsummed) FROM completeness
            """)
        #expect(sums == [["t", "t", "0"]])
        second.send(SIGTERM)
        #expect(try await second.exitStatus(within: .seconds(60)) == .code(0))
    }

    @Test(
        "Of a whole session nothing is missing, over midnight, bursts, equal, repeated and late trades; of one without a frame that one",
        .timeLimit(.minutes(5)))
    func session() async throws {
        let frames = Array(Session.seeded(SeededSettings(frameCount: 12_000)).frames())
        let trades = frames.map(\.trade)
        let pairs = Array(zip(trades, trades.dropFirst()))
        #expect(Set(trades.map { $0.timestamp / 86_400_000 }).count == 2)
        #expect(pairs.contains { $0.timestamp == $1.timestamp && $0.market == $1.market && $0.volume != $1.volume })
        #expect(pairs.contains { $0 == $1 && !$1.isRepeat } && pairs.contains { $1.timestamp < $0.timestamp })
        let whole = try await summary(of: frames)
        #expect(whole.proves(rows: frames.count), "\(whole.text)")
        #expect(!whole.proves(rows: frames.count - 1))

        let index = try #require(pairs.indices.first { isInside($0 + 1, trades) })
        let torn = try await summary(of: frames.enumerated().filter { $0.offset != index + 1 }.map(\.element))
        #expect(!torn.proves(rows: frames.count - 1) && torn.incompleteHours > 0)
        #expect(torn.missingVolume == trades[index + 1].volume.numeric)
    }

    /// Not told again, and not at an end of its market's hour: it is certain what is missing, and where.
    private func isInside(_ index: Int, _ trades: [Trade]) -> Bool {
        let trade = trades[index]
        let hour = trades.indices.filter {
            trades[$0].market == trade.market && trades[$0].timestamp / 3_600_000 == trade.timestamp / 3_600_000
        }
        guard let place = hour.firstIndex(of: index), place > 0, place < hour.count - 1 else { return false }
        return !trade.isRepeat && !trades[hour[place + 1]].isRepeat
    }

    /// What the view says after a consumer has written these frames.
    private func summary(of frames: [SessionFrame]) async throws -> CompletenessSummary {
        // The mock cluster keeps 5 MiB in each partition.
        let bench = try await ConsumerBench(partitions: 16)
        for frame in frames { try bench.writer.write(key: frame.code, value: frame.bytes) }
        try bench.writer.flush()
        let consumer = try bench.startConsumer()
        try await bench.waitUntilWritten(frames.count)
        try await expectCleanStop(consumer)
        return try await CompletenessSummary(of: bench.database)
    }
}

/// Trades of some markets over a few hours, of which some are dropped within an hour.
private struct HourlySession {
    struct Frame {
        let code: String
        let hour: Int64
        let volume: Int
        let bytes: [UInt8]
    }

    let codes = (1...5).map { "KRW-C\($0)" }
    private(set) var frames: [Frame] = []
    /// Their places in `frames`.
    private(set) var dropped: Set<Int> = []

    /// 2026-05-12 00:00 UTC, hours since 1970.
    private static let start: Int64 = 494_040
    private static let framesPerHour = 40

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var sums: [String: Int] = [:]
        for hour in Self.start..<Self.start + 4 {
            for number in 0..<Self.framesPerHour {
                for code in codes {
                    let volume = 1 + random.below(1_000_000)
                    sums[code, default: 0] += volume
                    // The first and the last of an hour stay, so that it is certain which hour misses a trade.
                    let isInside = (1..<Self.framesPerHour - 1).contains(number)
                    if isInside, random.oneIn(40) { dropped.insert(frames.count) }
                    frames.append(
                        Frame(
                            code: code, hour: hour, volume: volume,
                            bytes: Self.frame(code, hour * 3_600_000 + Int64(number) * 60_000, volume, sums[code] ?? 0))
                    )
                }
            }
        }
    }

    func dayBefore(_ code: String) -> [UInt8] { Self.frame(code, Self.start * 3_600_000 - 1, 1, 1) }

    /// Market, hour and missing volume.
    var expectation: [[String?]] {
        var missing: [String: [Int64: Int]] = [:]
        for index in dropped {
            missing[frames[index].code, default: [:]][frames[index].hour, default: 0] += frames[index].volume
        }
        return missing.sorted { $0.key < $1.key }.flatMap { code, hours in
            hours.sorted { $0.key < $1.key }.map { [code, "\($0.key)", "\($0.value)"] }
        }
    }

    private static func frame(_ code: String, _ milliseconds: Int64, _ volume: Int, _ sum: Int) -> [UInt8] {
        Array(
            #"{"code":"\#(code)","trade_price":1,"trade_volume":\#(volume),"acc_trade_volume":\#(sum),"trade_timestamp":\#(milliseconds)}"#
                .utf8)
    }
}
