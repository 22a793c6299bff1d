import ArgumentParser
import TestSupport

/// What can be measured by itself. A figure's id begins with its part's name.
enum Part: String, CaseIterable, ExpressibleByArgument {
    case parse, producer, consumer, loader, latency, scaling

    /// Those with a limit beside them.
    static let short: [Part] = [.parse, .producer, .consumer, .loader]

    func owns(_ id: String) -> Bool { id.hasPrefix("\(rawValue).") }
}

/// How much is measured.
struct Amounts: ParsableArguments {
    @Option(help: "Frames of the seeded session.")
    var frames = 1_000_000

    @Option(help: "Partitions of the topic, where their number is not what is measured.")
    var partitions = 12

    @Option(help: "How often each measurement is made, in turn with its limit; the best counts.")
    var rounds = 3

    @Option(help: "Rows of the hour that the loader's speed is measured with.")
    var hourRows = 1_000_000

    @Option(help: "Rows of the largest hour, for how the loader's time and memory grow from 10,000 rows on.")
    var largestHour = 10_000_000

    @Option(help: "Seconds of each rate at which the latency is measured.")
    var latencySeconds = 15

    /// As little as still tells something on a busy machine.
    var short: Amounts {
        var amounts = self
        (amounts.frames, amounts.hourRows, amounts.largestHour) = (min(frames, 300_000), min(hourRows, 500_000), 0)
        return amounts
    }
}

/// The parts, each with what it needs.
struct Suite {
    let kafka: BenchmarkKafka
    let amounts: Amounts

    func figures(of part: Part) async throws -> [Figure] {
        let session = Session.seeded(frameCount: amounts.frames)
        let (partitions, rounds) = (amounts.partitions, max(1, amounts.rounds))
        switch part {
        case .parse:
            return ParseBenchmark(session, rounds: 3 * rounds).run()
        case .producer:
            return try await ProducerBenchmark(kafka: kafka, session: session, partitions: partitions, rounds: rounds)
                .run()
        case .consumer:
            return try await ConsumerBenchmark(kafka: kafka, session: session, partitions: partitions, rounds: rounds)
                .run()
        case .loader:
            let sizes = [10_000, 100_000, 1_000_000, 10_000_000].filter { $0 <= amounts.largestHour }
            return try await LoaderBenchmark(
                kafka: kafka, size: amounts.hourRows, otherSizes: sizes.filter { $0 != amounts.hourRows },
                rounds: rounds
            ).run()
        case .latency:
            return try await LatencyBenchmark(
                kafka: kafka, partitions: partitions, rates: [50, 1_000, 5_000], seconds: amounts.latencySeconds
            ).run()
        case .scaling:
            return try await ScalingBenchmark(kafka: kafka, session: session, rounds: rounds).run()
        }
    }
}
