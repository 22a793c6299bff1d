import TestSupport
import Testing

@testable import Consumer

@Suite("Figures in market_hours")
struct MarketHoursDatabaseTests {
    @Test("Two batches in either order give the same table", .timeLimit(.minutes(5)))
    func order() async throws {
        let (first, second) = (try await CompletenessDatabase(), try await CompletenessDatabase())
        let batches = [
            figures(of: RandomPlay(seed: 1).arrivals), figures(of: RandomPlay(seed: 2).arrivals),
        ]
        for batch in batches { try await first.write(batch) }
        for batch in batches.reversed() { try await second.write(batch) }
        let table = try await first.table()
        #expect(table.count > 100)
        #expect(try await second.table() == table)
    }

    @Test("A restart in mid-hour goes on from the table", .timeLimit(.minutes(5)))
    func restart() async throws {
        let (whole, halves) = (try await CompletenessDatabase(), try await CompletenessDatabase())
        // In order: what is late over a restart is counted as told before.
        let ticks = RandomPlay(seed: 3).trades.sorted { ($0.day, $0.sum) < ($1.day, $1.sum) }
            .filter { $0.number % 7 != 0 }
        try await whole.write(ticks)
        for start in stride(from: 0, to: ticks.count, by: 50) {
            try await halves.write(Array(ticks[start..<min(start + 50, ticks.count)]))
        }
        #expect(try await halves.table() == whole.table())
        #expect(
            try await whole.probe.rows("SELECT sum(skips) > 50, sum(repeats + late) FROM market_hours") == [["t", "0"]])
    }

    @Test("The volume is that of all rows, also where sums cannot hold it", .timeLimit(.minutes(5)))
    func volume() async throws {
        let database = try await CompletenessDatabase()
        let volumes = ["0.1234567891", "1E29", "5e-07", "1e-30", "0.5"]
        try await database.connected { connection in
            var hours = MarketHours()
            for volume in volumes { hours.add("NULL", at: RandomPlay.start, volume, sum: "1E29") }
            try hours.write(to: connection)
        }
        let sum = volumes.map { "\($0)::numeric" }.joined(separator: " + ")
        #expect(
            try await database.probe.rows("SELECT code, ticks, volume = \(sum), unsummed, sum_low FROM market_hours")
                == [["NULL", "5", "t", "5", nil]])
    }

    private func figures(of arrivals: [PlayedTrade]) -> MarketHours {
        var hours = MarketHours()
        for tick in arrivals { hours.add(tick.code, at: tick.milliseconds, tick.volumeText, sum: tick.sumText) }
        hours.resumeWithNothing()
        return hours
    }
}
