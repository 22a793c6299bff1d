import ArgumentParser
import TestSupport

/// Measures what is asked for, one part after the other, and prints the table.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Measures, prints a table and writes JSON.",
        discussion: """
            With --check, ratios (never absolute figures) are compared with those in a file. What falls short is \
            measured once more; when a ratio has still dropped by a third, or is not there, the exit code is 1. \
            --renew writes that file.
            """)

    @Option(help: "Only this part; may be given several times.")
    var only: [Part] = []

    @Flag(help: "The short form for CI: fewer rows, and only what has a limit beside it.")
    var short = false

    @Option(help: "Where the figures go as JSON.")
    var json = ".build/benchmarks.json"

    @Option(help: "A file of ratios to compare with.")
    var check: String?

    @Option(help: "Write the ratios of this run to this file.")
    var renew: String?

    @OptionGroup var amounts: Amounts

    func run() async throws {
        let kafka = try await BenchmarkKafka()
        defer { kafka.stop() }
        let suite = Suite(kafka: kafka, amounts: short ? amounts.short : amounts)
        let parts = (short ? Part.short : Part.allCases).filter { only.isEmpty || only.contains($0) }
        var progress = ProgressLine()
        var figures: [Figure] = []
        for part in parts { figures += try await measure(part, suite, &progress) }
        print(table(figures))
        if let check {
            try await compare(&figures, RatioCheck(path: check), parts, suite, &progress)
        }
        try writeJSON(figures, to: json)
        if let renew { try RatioCheck.renew(figures, at: renew) }
    }

    private func measure(_ part: Part, _ suite: Suite, _ progress: inout ProgressLine) async throws -> [Figure] {
        progress.step("measuring: \(part.rawValue)")
        return try await suite.figures(of: part)
    }

    /// A machine that was busy with something else gets a second chance; code that is slow does not gain by it.
    private func compare(
        _ figures: inout [Figure], _ check: RatioCheck, _ parts: [Part], _ suite: Suite,
        _ progress: inout ProgressLine
    ) async throws {
        // With --only, what was not asked for is not missed.
        let check = RatioCheck(
            committed: check.committed.filter { id, _ in parts.contains { id.hasPrefix("\($0.rawValue).") } })
        let suspects = check.failures(figures)
        for part in parts where suspects.contains(where: { $0.id.hasPrefix("\(part.rawValue).") }) {
            progress.step("falls short, once more: \(suspects.map(\.description).joined(separator: "; "))")
            figures = merged(figures, try await measure(part, suite, &progress))
        }
        let failures = check.failures(figures)
        if failures.isEmpty {
            print("every ratio is within a third of the committed one")
        } else {
            for failure in failures { print("FAILED \(failure)") }
            throw ExitCode(1)
        }
    }
}

/// Of two measurements of one figure the one with the better ratio.
func merged(_ first: [Figure], _ second: [Figure]) -> [Figure] {
    let again = Dictionary(second.map { ($0.id, $0) }) { $1 }
    return first.map { figure in
        guard let other = again[figure.id], (other.ratio ?? 0) > (figure.ratio ?? 0) else { return figure }
        return other
    }
}
