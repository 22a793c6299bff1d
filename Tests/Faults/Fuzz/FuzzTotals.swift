/// What was sent, and what became of it.
struct FuzzTotals: Equatable {
    var records = 0
    var rows = 0
    var deadLetters = 0
    var repeats = 0

    static func += (totals: inout FuzzTotals, expectation: Expectation) {
        totals.records += expectation.rowCount + expectation.deadLetterCount + expectation.repeatCount
        totals.rows += expectation.rowCount
        totals.deadLetters += expectation.deadLetterCount
        totals.repeats += expectation.repeatCount
    }
}

extension FuzzTotals: CustomStringConvertible {
    var description: String {
        "\(records) records = \(rows) rows + \(deadLetters) dead letters + \(repeats) repeats"
    }
}
