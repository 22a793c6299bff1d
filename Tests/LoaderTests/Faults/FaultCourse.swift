import Foundation
import Runtime
import TestSupport
import Testing

@testable import Loader

/// One course of events from one seed: hours with rows, runs that meet faults or are killed, rows that come
/// late, and in the end a run that nothing disturbs.
struct FaultCourse {
    private(set) var figures = FaultFigures()
    /// How to have the same course again.
    let hint: Comment
    private var random: SplitMix64
    private var rig: LoadRig
    private let hours: Range<ClockHour>
    /// With requests of killed runs that are yet to be carried out.
    private var late: [Killer] = []
    /// What the source held of each hour at any time: the final table may hold any of it, and nothing else.
    private var versions: [ClockHour: Set<[String]>] = [:]

    /// - Parameter rig: its fake remembers no insertId. Its source is emptied, and its dataset another one.
    init(seed: UInt64, rig: LoadRig) async throws {
        random = SplitMix64(seed: seed)
        hint = "LOADER_FAULT_SEED=\(seed) LOADER_FAULT_RUNS=1 repeats it"
        self.rig = rig
        hours = LoadRig.hour..<LoadRig.hour.advanced(by: 1 + random.below(3))
        self.rig.dataset = "seed_\(seed)"
        self.rig.variables["LOADER_BATCH_ROWS"] = String(7 + random.below(60))
        self.rig.variables["LOADER_CONCURRENCY"] = String(1 + random.below(4))
        try await rig.execute("TRUNCATE trade_data")
        for hour in hours {
            versions[hour] = [[]]
            if !random.oneIn(6) { try await addRows(to: hour, random.below(200)) }
        }
    }

    /// - Throws: what no fault explains.
    mutating func run() async throws {
        for _ in 0..<1 + random.below(3) {
            if random.oneIn(3) { try await killedRun() } else { try await disturbedRun() }
            try await checkNothingTorn()
            if random.oneIn(4) { try await releaseLateRequests() }
            if random.oneIn(3) {
                let count = 1 + random.below(40)
                figures.lateRows += count + LoadRig.specialTrades
                try await addRows(to: hours.lowerBound.advanced(by: random.below(hours.count)), count)
            }
        }
        try await undisturbedRuns()
    }

    private mutating func addRows(to hour: ClockHour, _ count: Int) async throws {
        try await rig.addTrades(count, to: hour)
        figures.rows += count + LoadRig.specialTrades
        versions[hour]?.insert(try await rig.sourceRows(hour))
    }

    /// The real program, killed at a moment of some request, if it comes so far.
    private mutating func killedRun() async throws {
        // Its patience with faults is the real one, too long for a test: it meets none.
        let index = random.below(30)
        let phase = RequestMoment.Phase.allCases[random.below(2)]
        let killer = Killer(index: index, phase: phase, isLate: random.oneIn(2))
        late.append(killer)
        rig.fake.watch { await killer.stepIn($0) }
        let arguments = ["--from", hours.lowerBound.description, "--to", hours.upperBound.description]
        let loader = try ChildProcess(BuiltProduct.path("loader"), arguments, environment: rig.variables)
        killer.aim(at: loader)
        let exit = try await loader.exitStatus(within: .seconds(60))
        rig.fake.watch(nil)
        figures.runs += 1
        if exit == .signal(SIGKILL) { figures.kills += 1 }
        #expect(exit == .signal(SIGKILL) || exit == .code(0), hint)
    }

    private mutating func releaseLateRequests() async throws {
        for killer in late { figures.lateRequests += try await killer.release() ? 1 : 0 }
        late = []
        try await checkNothingTorn()
    }

    private mutating func disturbedRun() async throws {
        for _ in 0..<random.below(7) {
            let next = RandomFault(using: &random)
            rig.fake.inject(next.fault, on: next.endpoint, times: next.times)
            figures.faults += next.times
        }
        if random.oneIn(3) {
            let index = random.below(20)
            let fake = rig.fake
            fake.watch { if $0.index == index, $0.phase == .arrived { fake.revokeTokens() } }
            figures.revocations += 1
        }
        var limits = LoadRig.impatient
        if random.oneIn(3) { limits.transient = .init(tries: 2, base: .zero, longest: .zero) }
        figures.runs += 1
        do {
            if random.oneIn(2) {
                try await rig.catchUp(hours, limits: limits)
            } else {
                _ = try await rig.load(hours, limits: limits)
            }
        } catch {
            guard error is BigQueryError || error is LoadError || error is CredentialError else { throw error }
            figures.failedRuns += 1
        }
        rig.fake.watch(nil)
        figures.faults -= rig.fake.clearFaults()
    }

    /// After each run, however it ended, each hour is what the source held of it at some time.
    private func checkNothingTorn() async throws {
        let rows: [ClockHour: [String]]
        do {
            rows = try await rig.finalRowsByHour()
        } catch let error as GoogleError {
            // The table is not there yet.
            guard error.code == 404 else { throw error }
            return
        }
        for hour in hours {
            let published = rows[hour] ?? []
            // A row that is alone in a request that is too large is refused, and kept apart.
            let wholes = [published] + (try await rig.refusedRows(hour)).map { (published + $0).sorted() }
            #expect(wholes.contains { versions[hour]?.contains($0) == true }, hint)
        }
    }

    private mutating func undisturbedRuns() async throws {
        _ = try await rig.load(hours)
        try await releaseLateRequests()
        var source: [String] = []
        for hour in hours { source += try await rig.sourceRows(hour) }
        let final = try await rig.finalRows()
        #expect(final == source.sorted(), hint)
        let ledger = try await rig.ledgerOfTable()
        #expect(ledger.count == hours.count && ledger.allSatisfy { $0.contains("|published|") }, hint)
        for _ in 0..<2 {
            #expect(try await rig.load(hours).allSatisfy { $0.outcome == .unchanged }, hint)
        }
        #expect(try await rig.finalRows() == final, hint)
    }
}

/// What happened in courses of events, for people.
struct FaultFigures: CustomStringConvertible {
    var rows = 0
    var lateRows = 0
    var runs = 0
    var failedRuns = 0
    var kills = 0
    var lateRequests = 0
    var faults = 0
    var revocations = 0

    mutating func add(_ other: FaultFigures) {
        rows += other.rows
        lateRows += other.lateRows
        runs += other.runs
        failedRuns += other.failedRuns
        kills += other.kills
        lateRequests += other.lateRequests
        faults += other.faults
        revocations += other.revocations
    }

    var description: String {
        """
        \(rows) rows, \(lateRows) of them late, \(runs) disturbed runs, \(failedRuns) of them failed and \(kills) \
        killed, \(lateRequests) of them with a request that came later, \(faults) faults met, \(revocations) times \
        tokens revoked
        """
    }
}
