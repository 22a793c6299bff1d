import ArgumentParser
import Foundation
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

    func validate() throws {
        // Said before the measuring, not after it.
        for path in [json, renew].compactMap(\.self) {
            let folder = URL(filePath: path).deletingLastPathComponent().path
            guard FileManager.default.isWritableFile(atPath: folder) else {
                throw ValidationError("\(folder) cannot be written to")
            }
        }
    }

    func run() async throws {
        // Read first: without it there is nothing to measure for.
        let check = try check.map { path in try RatioCheck(path: path) }
        let kafka = try await BenchmarkKafka()
        defer { kafka.stop() }
        let suite = Suite(kafka: kafka, amounts: short ? amounts.short : amounts)
        let parts = (short ? Part.short : Part.allCases).filter { only.isEmpty || only.contains($0) }
        var progress = ProgressLine()
        var figures: [Figure] = []
        for part in parts {
            progress.step("measuring: \(part.rawValue)")
            figures += try await suite.figures(of: part)
        }
        var failures: [RatioCheck.Failure]?
        if let check { failures = try await self.failures(of: &figures, check, parts, suite, &progress) }
        print(table(figures))
        try writeJSON(figures, to: json)
        if let renew { try RatioCheck.renew(figures, at: renew) }
        if let failures { try tell(failures) }
    }

    /// A machine that was busy with something else gets a second chance; code that is slow does not gain by it.
    private func failures(
        of figures: inout [Figure], _ check: RatioCheck, _ parts: [Part], _ suite: Suite,
        _ progress: inout ProgressLine
    ) async throws -> [RatioCheck.Failure] {
        // With --only, what was not asked for is not missed.
        let check = RatioCheck(committed: check.committed.filter { id, _ in parts.contains { $0.owns(id) } })
        let suspects = check.failures(figures)
        for part in parts where suspects.contains(where: { part.owns($0.id) }) {
            progress.step("measuring \(part.rawValue) again: \(suspects.map(\.description).joined(separator: "; "))")
            figures = merged(figures, try await suite.figures(of: part))
        }
        return check.failures(figures)
    }

    private func tell(_ failures: [RatioCheck.Failure]) throws {
        for failure in failures { print("FAILED \(failure)") }
        guard failures.isEmpty else { throw ExitCode(1) }
        print("no ratio has dropped by a third")
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
