import ArgumentParser
import TestSupport

@main
struct Benchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measures the services, each figure beside its limit from the same run and the same data.",
        discussion: """
            Machines are noisy: the ratios mean something, the absolute figures little. Build in release \
            mode; everything runs on this machine, so the stand-ins compete with the services for its cores.
            """)

    @Option(help: "Frames of the seeded session.")
    var frames = 200_000

    func run() async throws {
        let session = Session.seeded(frameCount: frames)
        var figures = ParseBenchmark(session).run()
        figures += try await PipelineBenchmark(session: session).run()
        print(table(figures))
    }
}
