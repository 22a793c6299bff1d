import TestSupport

/// Says what of a round was not as promised, and also where too little happened to tell.
enum RoundVerdict {
    static func differences(_ evidence: RoundEvidence) -> [String] {
        let loads = evidence.loads.ownEnds.compactMap(\.difference)
        return evidence.unfinished + evidence.rows.differences
            + evidence.loadedRows.differences.map { "BigQuery: \($0)" } + evidence.letters.differences
            + evidence.totals.differences(from: evidence.ticks) + evidence.gaps.differences
            + bounds(evidence.watch) + stops(evidence.stops) + evidence.ends.compactMap(\.difference) + loads
            + effects(planned: evidence.planned, performed: evidence.effects)
    }

    /// Much more than any of them needs, and the same for an hour of any size and a broker that is away for ever.
    private static let memoryLimitBytes = 100_000_000
    /// For a service to end in on SIGTERM, and a little for the machine that all of this runs on.
    private static let stopLimit = Duration.milliseconds(5_500)

    /// Memory and disk stay bounded, whatever happens, and offsets are those of the rows.
    static func bounds(_ watch: RoundWatch.Figures) -> [String] {
        var differences = watch.mismatches
        if watch.snapshotCount == 0 { differences.append("offsets and rows were never compared") }
        for service in RoundEvidence.services {
            guard let bytes = watch.peakResidentBytes[service] else {
                differences.append("nobody looked at the memory of \(service)")
                continue
            }
            if bytes > memoryLimitBytes {
                differences.append(
                    "\(service) had \(bytes / 1_000_000) MB in memory, more than \(memoryLimitBytes / 1_000_000)")
            }
        }
        if watch.peakSpoolBytes == 0 { differences.append("nobody saw the spool") }
        // The limit is of whole segments; the state beside them is small.
        if watch.peakSpoolBytes > FaultRound.spoolLimitBytes + (1 << 20) {
            differences.append("the spool had \(watch.peakSpoolBytes) bytes, more than \(FaultRound.spoolLimitBytes)")
        }
        return differences
    }

    static func stops(_ stops: [RoundEvidence.Stop]) -> [String] {
        stops.filter { $0.time > stopLimit }.map { "\($0.service) took \(seconds($0.time)) to end on SIGTERM" }
    }

    /// A fault that met nothing proves nothing: all kills have to, and one of each other kind that was planned.
    static func effects(planned: [FaultKind: Int], performed: [FaultKind: Int]) -> [String] {
        planned.sorted { ($0.key.lane.rawValue, $0.key.name) < ($1.key.lane.rawValue, $1.key.name) }
            .compactMap { kind, count in
                let required = kind.isKill ? count : min(count, 1)
                let met = performed[kind, default: 0]
                return met < required ? "\(kind): \(met) of \(count) took effect, at least \(required) must" : nil
            }
    }
}
