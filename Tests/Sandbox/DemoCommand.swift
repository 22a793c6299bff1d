import ArgumentParser
import Foundation
import TestSupport

/// Sends a session through the whole pipeline and compares what arrives at each stage.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Sends a session from a WebSocket to BigQuery and proves that nothing is lost, doubled or rounded.",
        discussion: """
            Exits with 0 only when every stage has the same records and the same exact sums, and the exchange's own \
            sums of the day prove that no trade between them is missing.

            What the environment names is used instead of a stand-in of our own: KAFKA_SERVERS a Kafka broker \
            (plaintext), BIGQUERY_EMULATOR_HOST an emulator of BigQuery. The run makes a topic and a dataset \
            there and removes them; those that KAFKA_TOPIC and BIGQUERY_DATASET name are kept.
            """)

    @Option(
        help: "A recording to replay: time_ms,code,trade_price,trade_volume; plain or .gz. Without it a seeded session."
    )
    var recording: String?

    @Option(help: "Frames of the seeded session.")
    var frames = 51_000

    @Option(help: "Seed of the seeded session.")
    var seed: UInt64 = 1

    @Option(help: "Frames a second; 0 is as fast as possible.")
    var rate = 5_000

    @Option(help: "Partitions of the topic. The mock cluster keeps 5 MiB in each.")
    var partitions = 48

    @Option(help: "Kill the consumer this often in mid-stream, as SIGKILL does.")
    var kills = 0

    @Option(help: "Load the same hours this often; with the loader's ledger deleted before every second time.")
    var loads = 1

    @Flag(help: "Take ticks from the real exchange instead.")
    var live = false

    @Option(help: "How long, with --live.")
    var seconds = 60

    func validate() throws {
        if kills < 0 || loads < 1 { throw ValidationError("--kills is at least 0 and --loads at least 1") }
        if kills > 0, live { throw ValidationError("--kills goes with a session, not with --live") }
    }

    func run() async throws {
        let source: DemoSource
        if live {
            source = .live(seconds: seconds)
        } else if let recording {
            source = .session(
                try Session.recording(path: recording), name: "recording \(recording.split(separator: "/").last ?? "")")
        } else {
            source = .session(.seeded(seed, frameCount: frames), name: "seeded session \(seed)")
        }
        let demo = Demo(source: source, rate: rate, partitions: partitions, kills: kills, loads: loads)
        let result = try await demo.run()
        print(result.table)
        guard result.isEqual else {
            print("NOT EQUAL: a stage lost, doubled or changed something; see the table")
            throw ExitCode(1)
        }
    }
}
