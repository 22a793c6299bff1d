import Synchronization
import TestSupport

/// Looks at a round while it runs: memory, the spool, and whether the stored offsets match the rows.
final class RoundWatch: Sendable {
    struct Figures: Sendable {
        /// Bytes, by service; the largest of all its processes.
        var peakResidentBytes: [String: Int] = [:]
        var peakSpoolBytes = 0
        /// How often offsets and rows were compared.
        var snapshotCount = 0
        /// What did not match.
        var mismatches: [String] = []
    }

    private let world: FaultWorld
    private let state = Mutex(Figures())
    private static let interval = Duration.milliseconds(250)
    /// Counting the rows takes the database some time, so not at every look.
    private static let looksPerSnapshot = 12

    init(_ world: FaultWorld) { self.world = world }

    var figures: Figures { state.withLock { $0 } }

    /// Runs until it is cancelled.
    func run() async throws {
        var looks = 0
        while !Task.isCancelled {
            for keeper in world.keepers { look(at: keeper.state.value.process, keeper.name) }
            let spoolBytes = Footprint.diskBytes(of: world.spoolFolder)
            state.withLock { $0.peakSpoolBytes = max($0.peakSpoolBytes, spoolBytes) }
            looks += 1
            if looks.isMultiple(of: Self.looksPerSnapshot) { await compareOffsets() }
            try await Task.sleep(for: Self.interval)
        }
    }

    /// Notes the memory that a service's process has had.
    func look(at process: ChildProcess?, _ name: String) {
        guard let process, let bytes = Footprint.peakResidentBytes(of: process.processID) else { return }
        state.withLock { $0.peakResidentBytes[name] = max($0.peakResidentBytes[name] ?? 0, bytes) }
    }

    /// Offsets, rows, dead letters and repeats are written in one transaction, so they agree in every
    /// snapshot, also in the middle of a crash. One statement is one snapshot.
    private func compareOffsets() async {
        guard
            let row = try? await world.database.rows(
                """
                SELECT (SELECT coalesce(sum(next_offset), 0) FROM kafka_offsets WHERE topic = $1),
                    (SELECT count(*) FROM trade_data)
                        + (SELECT count(*) FROM dead_letters WHERE topic = $1)
                        + (SELECT coalesce(sum(repeats_dropped), 0) FROM kafka_offsets WHERE topic = $1)
                """, [world.broker.topic]
            ).first
        else { return }  // the database is away
        state.withLock {
            $0.snapshotCount += 1
            guard row[0] != row[1] else { return }
            $0.mismatches.append("offsets say \(row[0] ?? "-") records, the tables hold \(row[1] ?? "-")")
        }
    }
}
