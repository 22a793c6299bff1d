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
    private let spoolLimitBytes: Int?
    private static let interval = Duration.milliseconds(250)
    private static let snapshotInterval = Duration.seconds(3)

    /// - Parameter spoolLimitBytes: of the producer; with nil nobody notes when its spool is full.
    init(_ world: FaultWorld, spoolLimitBytes: Int? = nil) {
        self.world = world
        self.spoolLimitBytes = spoolLimitBytes
    }

    var figures: Figures { state.withLock { $0 } }

    /// Runs until it is cancelled.
    func run() async throws {
        async let comparing: Void = compare()
        try await look()
        try await comparing
    }

    private func look() async throws {
        var lastLook = Chronicle.now
        var wasFull = false
        while !Task.isCancelled {
            for keeper in world.keepers { look(at: keeper.state.value.process, keeper.name) }
            let spoolBytes = Footprint.diskBytes(of: world.spoolFolder)
            state.withLock { $0.peakSpoolBytes = max($0.peakSpoolBytes, spoolBytes) }
            let now = Chronicle.now
            let isFull = hasAllSegments(spoolBytes)
            // From the look before the first that saw it full to the look after the last one.
            if isFull || wasFull { world.chronicle.add(.fullSpool, Span(from: lastLook, to: now)) }
            (lastLook, wasFull) = (now, isFull)
            try await Task.sleep(for: Self.interval)
        }
    }

    /// A segment takes a quarter of a small spool, so one with four of them has no room for a fifth.
    private func hasAllSegments(_ bytes: Int) -> Bool {
        spoolLimitBytes.map { bytes >= $0 * 7 / 8 } ?? false
    }

    /// Notes the memory that a service's process has had.
    func look(at process: ChildProcess?, _ name: String) {
        guard let process, let bytes = Footprint.peakResidentBytes(of: process.processID) else { return }
        state.withLock { $0.peakResidentBytes[name] = max($0.peakResidentBytes[name] ?? 0, bytes) }
    }

    /// Counting the rows takes the database some time, and it can be away, so not at every look.
    private func compare() async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: Self.snapshotInterval)
            await compareOffsets()
        }
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
