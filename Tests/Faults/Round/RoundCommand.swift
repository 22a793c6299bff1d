import ArgumentParser
import TestSupport

/// Random faults from one seed.
struct RoundCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "round",
        abstract: "Plays numbered ticks through the pipeline while it is killed, cut, stalled and starved at random.",
        discussion: """
            Exits with 0 only when the rows are the ticks, one for one, in TimescaleDB and in BigQuery, and \
            every promise on the way was kept. Otherwise it says what differs, the seed that plans the same \
            faults again, and the folder with the services' logs.
            """)

    @Option(help: "Plans the faults and makes the ticks. Without it a random one, which is printed.")
    var seed: UInt64?

    @Option(help: "How long ticks are sent; faults can make it longer.")
    var minutes = 2.5

    @Option(help: "Ticks a second.")
    var rate = 800

    @Option(help: "Ticks to send, instead of --minutes.")
    var ticks: Int?

    @Option(help: "SIGKILLs over producer, consumers and loader. Without it 44 a minute.")
    var kills: Int?

    @Option(help: "Faults of the database and of the broker. Without it 6 a minute.")
    var pieces: Int?

    func validate() throws {
        guard rate > 0, minutes > 0, (ticks ?? 1) > 0, (kills ?? 0) >= 0, (pieces ?? 0) >= 0 else {
            throw ValidationError("--rate, --minutes and --ticks are above 0, --kills and --pieces not below")
        }
        if tickCount > 99_999_999 { throw ValidationError("at most 99,999,999 ticks can be numbered") }
    }

    func run() async throws {
        let seed = seed ?? .random(in: 1...999_999_999)
        let minutes = Double(tickCount) / Double(rate) / 60
        let (kills, pieces) = (kills ?? Int(minutes * 44), pieces ?? Int(minutes * 6))
        print(
            """
            seed \(seed): faults round --seed \(seed) --ticks \(tickCount) --rate \(rate) --kills \(kills) \
            --pieces \(pieces)
            """)
        let round = FaultRound(seed: seed, ticks: tickCount, rate: rate, kills: kills, pieces: pieces)
        let result = try await round.run()
        print(result.table)
        if !result.differences.isEmpty {
            print("NOT AS PROMISED, seed \(seed), logs in \(result.folder):")
            for difference in result.differences.prefix(40) { print("- \(difference)") }
        }
        // Last, so that nobody overlooks it.
        if let reason = result.evidence.withoutDisk { print("NOT RUN: the faults of the disk: \(reason)") }
        if !result.differences.isEmpty { throw ExitCode(1) }
    }

    private var tickCount: Int { ticks ?? Int(minutes * 60 * Double(rate)) }
}
