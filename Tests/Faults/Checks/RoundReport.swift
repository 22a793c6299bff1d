import TestSupport

extension RoundResult {
    /// The figures, for people.
    var table: String {
        aligned(
            evidence.countLines + evidence.faultLines + evidence.checkLines + [
                ("wall time", "\(milliseconds(wallTime) / 1_000) s")
            ])
    }
}

extension RoundEvidence {
    fileprivate typealias Line = (name: String, text: String)

    fileprivate var countLines: [Line] {
        [
            ("frames sent", "\(grouped(ticks.frameCount)), of which \(grouped(ticks.malformedCount)) are no ticks"),
            ("records in Kafka", grouped(totals.records)),
            ("repeats dropped", grouped(totals.repeats)),
            ("rows in TimescaleDB", grouped(totals.rows.rows)),
            ("dead letters", grouped(totals.deadLetters)),
            ("rows in BigQuery", grouped(totals.loaded.rows)),
            ("sum of prices", totals.rows.price.map { "\($0)" } ?? "-"),
            ("sum of volumes", totals.rows.volume.map { "\($0)" } ?? "-"),
        ]
    }

    /// What took effect of what was planned.
    fileprivate var faultLines: [Line] {
        let lanes = FaultPlan.Lane.allCases.map { lane in
            let kinds = planned.filter { $0.key.lane == lane && $0.value > 0 }.sorted { $0.key.name < $1.key.name }
            let texts = kinds.map { kind, count in "\(kind.name) \(effects[kind, default: 0]) of \(count)" }
            return (name: "faults of \(lane.rawValue)", text: texts.isEmpty ? "none" : texts.joined(separator: ", "))
        }
        return lanes + [
            ("kills", "\(killCounts.reduce(0) { $0 + $1.count }): \(Self.text(killCounts))"),
            (
                "slow database links",
                "\(slowLinks.count), of which \(slowLinks.boundCount) let a backlog build, "
                    + "of at most \(grouped(slowLinks.largestBacklog)) ticks"
            ),
            (
                "loads",
                "\(loads.kills) killed, \(loads.catchUpKills) of them catching up, \(loads.openRequestKills) with an "
                    + "open request; \(loads.completed) were through before that"
            ),
            ("ended by themselves", Self.text(ownEndCounts)),
            (
                "stopped by SIGTERM",
                "\(stops.count) times, in at most \(seconds(stops.map(\.time).max() ?? .zero))"
            ),
        ]
    }

    fileprivate var checkLines: [Line] {
        let memory = watch.peakResidentBytes.sorted { $0.key < $1.key }
        return [
            ("gaps", "\(gaps.expectedCount) between connections, \(gaps.pauseCount) because the spool was full"),
            ("offsets compared", "\(watch.snapshotCount) times with the rows, in one snapshot each"),
            ("largest memory", memory.map { "\($0.key) \($0.value / 1_000_000) MB" }.joined(separator: ", ")),
            ("largest spool", "\(watch.peakSpoolBytes >> 10) KiB"),
        ]
    }

    private var killCounts: [(name: String, count: Int)] {
        Self.services.map { name in
            (name, name == "loader" ? loads.kills : ends.count { $0.service == name && $0.isKill })
        }
    }

    private var ownEndCounts: [(name: String, count: Int)] {
        Self.services.map { name in
            (name, name == "loader" ? loads.ownEnds.count : ends.count { $0.service == name && $0.isOwn })
        }
    }

    private static func text(_ counts: [(name: String, count: Int)]) -> String {
        counts.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
    }
}

/// Names and texts in two columns.
func aligned(_ lines: [(name: String, text: String)]) -> String {
    let width = lines.map(\.name.count).max() ?? 0
    return lines.map { name, text in
        name + String(repeating: " ", count: width - name.count + 2) + text
    }.joined(separator: "\n")
}
