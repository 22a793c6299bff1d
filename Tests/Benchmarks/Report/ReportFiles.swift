import Foundation
import TestSupport

/// A figure as the JSON file has it.
private struct FigureRecord: Encodable {
    let id: String
    let name: String
    let value: Double
    let unit: String
    let limit: String?
    let limitValue: Double?
    let ratio: Double?
    let isReached: Bool?

    init(_ figure: Figure) {
        id = figure.id
        name = figure.name
        value = figure.value
        unit = figure.unit.rawValue
        limit = figure.limit?.name
        limitValue = figure.limit?.value
        ratio = figure.ratio
        isReached = figure.isReached
    }
}

/// All figures of a run, for programs.
func writeJSON(_ figures: [Figure], to path: String) throws {
    try write(figures.map(FigureRecord.init), to: path)
}

extension RatioCheck {
    /// Reads a file that ``renew(_:at:)`` wrote.
    init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SetupError("\(path) cannot be read: 'benchmarks --short --renew \(path)' writes it")
        }
        committed = try JSONDecoder().decode([String: Double].self, from: data)
    }

    /// Makes the ratios of `figures` the ones to compare with.
    static func renew(_ figures: [Figure], at path: String) throws {
        try write(ratios(figures).mapValues { ($0 * 10_000).rounded() / 10_000 }, to: path)
    }
}

private func write(_ value: some Encodable, to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try (encoder.encode(value) + Data("\n".utf8)).write(to: URL(filePath: path))
}
