import ArgumentParser
import TestSupport

/// One long outage, and how the pipeline comes back from it.
struct OutageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outage",
        abstract: "Takes the broker, the database or the network away, and measures how the services come back.",
        discussion: "Exits with 0 only when nothing was lost or doubled and every limit was kept.")

    enum Part: String, ExpressibleByArgument, CaseIterable {
        case broker, database, network
    }

    @Option(help: "What is away: broker, database or network. Without it one after the other.")
    var of: Part?

    @Option(help: "For how long.")
    var minutes = 10.0

    @Option(help: "Ticks a second. Without it 2,000 for the broker and 40 for the others.")
    var rate: Int?

    @Option(help: "Makes the ticks.")
    var seed: UInt64 = 1

    func validate() throws {
        guard minutes > 0, (rate ?? 1) > 0 else { throw ValidationError("--minutes and --rate are above 0") }
    }

    func run() async throws {
        var differences: [String] = []
        for part in of.map({ [$0] }) ?? Part.allCases {
            let report = try await run(part)
            print("\(part.rawValue) away for \(minutes) minutes\(minutes < 10 ? " (the limits are for 10)" : "")")
            print(report.table)
            differences += report.differences
        }
        for difference in differences { print("NOT AS PROMISED: \(difference)") }
        if !differences.isEmpty { throw ExitCode(1) }
    }

    private func run(_ part: Part) async throws -> OutageReport {
        let time = Duration.seconds(minutes * 60)
        switch part {
        case .broker: return try await BrokerOutage(time: time, rate: rate ?? 2_000, seed: seed).run()
        case .database: return try await DatabaseOutage(time: time, rate: rate ?? 40, seed: seed).run()
        case .network: return try await NetworkOutage(time: time, rate: rate ?? 40, seed: seed).run()
        }
    }
}
