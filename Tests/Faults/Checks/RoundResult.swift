/// A round, and what came of it.
struct RoundResult: Sendable {
    let evidence: RoundEvidence
    /// Empty when every promise was kept.
    let differences: [String]
    /// With the logs.
    let folder: String
    var wallTime = Duration.zero

    init(_ evidence: RoundEvidence, folder: String) {
        self.evidence = evidence
        self.folder = folder
        differences = RoundVerdict.differences(evidence)
    }
}
