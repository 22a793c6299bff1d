import ArgumentParser
import TestSupport

struct SoakCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Lets producer and consumer run at one rate, and tells what they hold at the start and at the end.")

    @Option(help: "How long.") var minutes = 10.0
    @Option(help: "Ticks a second.") var rate = 5_000
    @Option(help: "Partitions of the topic.") var partitions = 12
    @Option(help: "Where the figures go as JSON.") var json: String?

    func run() async throws {
        // Records that are read are of no use any more.
        let kafka = try await BenchmarkKafka(keptMebibytes: 16)
        defer { kafka.stop() }
        let figures = try await SoakBenchmark(
            kafka: kafka, partitions: partitions, rate: rate, seconds: Int(minutes * 60)
        ).run()
        print(table(figures))
        if let json { try writeJSON(figures, to: json) }
    }
}
