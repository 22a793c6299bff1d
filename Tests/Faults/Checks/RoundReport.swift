import TestSupport

extension RoundResult {
    /// The figures, for people.
    var table: String {
        let killed = kills.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
        let memory = watch.peakResidentBytes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value >> 20) MB" }
        let lines: [(name: String, text: String)] = [
            ("frames sent", "\(grouped(ticks.frameCount)), of which \(grouped(ticks.malformedCount)) are no ticks"),
            ("records in Kafka", grouped(totals.records)),
            ("repeats dropped", grouped(totals.repeats)),
            ("rows in TimescaleDB", grouped(totals.rows.rows)),
            ("dead letters", grouped(totals.deadLetters)),
            ("rows in BigQuery", grouped(totals.loaded.rows)),
            ("sum of prices", totals.rows.price.map { "\($0)" } ?? "-"),
            ("sum of volumes", totals.rows.volume.map { "\($0)" } ?? "-"),
            ("kills", "\(kills.reduce(0) { $0 + $1.count }): \(killed)"),
            ("database faults", "\(plan.events[.database]?.count ?? 0)"),
            ("broker faults", "\(plan.events[.broker]?.count { !$0.fault.isFullDisk } ?? 0)"),
            ("full disks", "\(disks.fills), of which the producer said \(disks.saidCount)"),
            ("network faults", "\(plan.events[.network]?.count ?? 0)"),
            (
                "slow database links",
                "\(slowLinks.count), of which \(slowLinks.boundCount) let a backlog build, "
                    + "of at most \(grouped(slowLinks.largestBacklog)) ticks"
            ),
            (
                "loads",
                "\(loads.kills) killed, \(loads.catchUpKills) of them catching up; "
                    + "\(loads.completed) were through before that"
            ),
            ("stopped by SIGTERM", "\(stopTimes.count) times, in at most \(seconds(stopTimes.last ?? .zero))"),
            ("gaps", "\(gapCount) between connections, \(pauseCount) because the spool was full"),
            ("offsets compared", "\(watch.snapshotCount) times with the rows, in one snapshot each"),
            ("largest memory", memory.joined(separator: ", ")),
            ("largest spool", "\(watch.peakSpoolBytes >> 10) KiB"),
            ("wall time", "\(milliseconds(wallTime) / 1_000) s"),
        ]
        return aligned(lines)
    }
}

/// Names and texts in two columns.
func aligned(_ lines: [(name: String, text: String)]) -> String {
    let width = lines.map(\.name.count).max() ?? 0
    return lines.map { name, text in
        name + String(repeating: " ", count: width - name.count + 2) + text
    }.joined(separator: "\n")
}
