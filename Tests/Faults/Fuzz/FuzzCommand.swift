import ArgumentParser

struct FuzzCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz",
        abstract: "Sends fuzzed records through the real consumer, and compares each with a second reading.",
        discussion: """
            Every record must become the row that a reader of our own makes of it, or a dead letter with its \
            bytes, or be dropped as one that came before; and the consumer must live. The seed repeats a run.
            """)

    @Option(help: "Records to send.")
    var records = 50_000

    @Option(help: "Repeats a run; without it a new one.")
    var seed: UInt64?

    func run() async throws {
        let seed = seed ?? .random(in: 0...999_999)
        print("seed \(seed)")
        let clock = ContinuousClock()
        let start = clock.now
        let world = try await FuzzWorld()
        var fuzzer = RecordFuzzer(seed: seed)
        var totals = FuzzTotals()
        while totals.records < records {
            try await world.round(of: min(20_000, records - totals.records), from: &fuzzer, &totals)
        }
        try await world.stop()
        print("\(totals); 0 crashes, each as a second reading says; \((clock.now - start).components.seconds) s")
    }
}
