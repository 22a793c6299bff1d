import Market
import TestSupport
import Testing

@testable import Consumer

@Suite("The exchange's own sums over a session")
struct SessionSumsTests {
    @Test("Of a session that was heard whole nothing is missing, over midnight, late trades and repeats")
    func whole() {
        let session = Session.seeded(frameCount: 20_000)
        let frames = Array(session.frames())
        let figures = figures(of: frames)
        #expect(figures.values.reduce(0) { $0 + $1.ticks } == 20_000)
        #expect(figures.values.reduce(0) { $0 + $1.repeats } == frames.count { $0.trade.isRepeat })
        #expect(missingOverall(figures) == 0)
        #expect(figures.values.reduce(0) { $0 + $1.skips + $1.late } == 0)
    }

    @Test("Of a session with dropped frames exactly their volume is missing")
    func dropped() {
        let seed = UInt64.random(in: 0...999_999)
        var random = SplitMix64(seed: seed)
        let frames = Array(Session.seeded(seed, frameCount: 20_000).frames())
        let lastOfDay = lastFrames(frames)
        var kept: [SessionFrame] = []
        var dropped: Int128 = 0
        for (index, frame) in frames.enumerated() {
            let isToldAgain = index + 1 < frames.count && frames[index + 1].trade.isRepeat
            if random.oneIn(50), !frame.trade.isRepeat, !isToldAgain, !lastOfDay.contains(index) {
                dropped += frame.trade.volume.numeric?.units ?? 0
            } else {
                kept.append(frame)
            }
        }
        #expect(missingOverall(figures(of: kept)) == dropped, "seed \(seed)")
    }

    /// What is missing of all days of all markets.
    private func missingOverall(_ figures: [HourKey: HourFigures]) -> Int128 {
        Set(figures.keys.map { HourKey(code: $0.code, hour: $0.hour / 24 * 24) })
            .reduce(0) { $0 + missing(figures, $1.code, day: $1.hour / 24) }
    }

    /// Behind the last tick of a day nobody knows what was traded.
    private func lastFrames(_ frames: [SessionFrame]) -> Set<Int> {
        var last: [HourKey: Int] = [:]
        for (index, frame) in frames.enumerated() {
            last[HourKey(code: frame.code, hour: Int(frame.trade.timestamp / 86_400_000))] = index
        }
        return Set(last.values)
    }

    private func figures(of frames: [SessionFrame]) -> [HourKey: HourFigures] {
        var hours = MarketHours()
        for frame in frames {
            frame.bytes.withUnsafeBytes { bytes in
                guard let tick = try? Tick(parsing: bytes) else { return }
                hours.add(tick, of: bytes)
            }
        }
        hours.resumeWithNothing()
        return hours.figures
    }
}
