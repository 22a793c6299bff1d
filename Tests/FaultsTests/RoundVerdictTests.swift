import Glibc
import Market
import TestSupport
import Testing

@testable import Faults

@Suite struct RoundVerdictTests {
    private static let session: Session = {
        var settings = SeededSettings(seed: 4, frameCount: 50)
        settings.isNumbered = true
        return .seeded(settings)
    }()

    private static let kill = FaultKind(.producer, ServiceFault.kill(thenWorkMilliseconds: nil))
    private static let lostCommit = FaultKind(.database, DatabaseFault.loseCommit(isAnswer: false))

    /// Of a round in which everything was as promised.
    private var right: RoundEvidence {
        let ticks = Self.session.totals()
        let sent = WarehouseTotals(rows: ticks.tickCount, price: ticks.priceSum, volume: ticks.volumeSum)
        var watch = RoundWatch.Figures()
        watch.snapshotCount = 3
        watch.peakSpoolBytes = 1 << 20
        for service in RoundEvidence.services { watch.peakResidentBytes[service] = 40_000_000 }
        return RoundEvidence(
            ticks: ticks,
            totals: RoundTotals(records: 60, offsets: 60, repeats: 10, deadLetters: 0, rows: sent, loaded: sent),
            rows: TickComparison(), loadedRows: TickComparison(),
            letters: DeadLetterComparison(Self.session, [], topic: "ticks"),
            gaps: GapComparison([], tickCount: 50, gaps: [], GapEvidence(stallTimeout: .seconds(2))), watch: watch,
            loads: KilledLoads.Figures(), slowLinks: SlowLinks.Figures(),
            ends: [end(.signal(SIGKILL), .kill), end(.code(0), .stop(isEarly: false)), end(.code(69), nil)],
            stops: [.init(service: "producer", time: .seconds(4))], planned: [Self.kill: 3, Self.lostCommit: 2],
            effects: [Self.kill: 3, Self.lostCommit: 1], unfinished: [], withoutDisk: nil)
    }

    private func end(_ exit: ChildProcess.Exit, _ request: ServiceEnd.Request?) -> ServiceEnd {
        ServiceEnd(service: "producer", start: 1, exit: exit, request: request, lastWords: "words")
    }

    /// How many things differ after one change of what was right.
    private func count(_ change: (inout RoundEvidence) -> Void) -> Int {
        var evidence = right
        change(&evidence)
        return RoundVerdict.differences(evidence).count
    }

    @Test("A round in which everything was as promised has no difference")
    func asPromised() {
        #expect(RoundVerdict.differences(right).isEmpty)
    }

    @Test("Rows, dead letters, totals and gaps that differ, and what did not settle, are told")
    func comparisons() {
        let stranger = DeadLetterComparison.Letter(topic: "ticks", key: nil, value: #"\x00"#)
        #expect(count { $0.letters = DeadLetterComparison(Self.session, [stranger], topic: "ticks") } == 1)
        #expect(
            count {
                $0.totals = RoundTotals(
                    records: 61, offsets: 60, repeats: 11, deadLetters: 0, rows: $0.totals.rows,
                    loaded: $0.totals.loaded)
            } == 1)
        let gap = GapComparison.Row(from: 1, to: 2, reason: "stall")
        #expect(
            count {
                $0.gaps = GapComparison([], tickCount: 50, gaps: [gap], GapEvidence(stallTimeout: .seconds(2)))
            } == 1)
        #expect(count { $0.unfinished = ["did not settle"] } == 1)
    }

    @Test("A watch that saw nothing proves nothing")
    func emptyWatch() {
        #expect(count { $0.watch.snapshotCount = 0 } == 1)
        #expect(count { $0.watch.peakSpoolBytes = 0 } == 1)
        for service in RoundEvidence.services {
            #expect(count { $0.watch.peakResidentBytes[service] = nil } == 1)
        }
    }

    @Test("More memory or spool than there may be is told, and offsets that are not those of the rows")
    func bounds() {
        for service in RoundEvidence.services {
            #expect(count { $0.watch.peakResidentBytes[service] = 100_000_001 } == 1)
        }
        #expect(count { $0.watch.peakSpoolBytes = FaultRound.spoolLimitBytes + (2 << 20) } == 1)
        #expect(count { $0.watch.mismatches = ["offsets say 3, the tables hold 2"] } == 1)
    }

    @Test("After SIGTERM a service ends with 0 in time, or dies of it when it was not ready")
    func stops() {
        #expect(count { $0.stops.append(.init(service: "loader", time: .seconds(6))) } == 1)
        for exit in [ChildProcess.Exit.code(69), .code(1), .signal(SIGTERM), .signal(SIGKILL)] {
            #expect(count { $0.ends.append(end(exit, .stop(isEarly: false))) } == 1)
        }
        #expect(count { $0.ends.append(end(.signal(SIGTERM), .stop(isEarly: true))) } == 0)
        #expect(count { $0.ends.append(end(.signal(SIGSEGV), .stop(isEarly: true))) } == 1)
    }

    @Test("By itself a service ends only when something was away, also just before a signal meets it")
    func ownEnds() {
        for request in [nil, ServiceEnd.Request.kill, .stop(isEarly: true)] {
            #expect(count { $0.ends.append(end(.code(69), request)) } == 0)
            #expect(count { $0.ends.append(end(.code(1), request)) } == 1)
        }
        #expect(count { $0.ends.append(end(.signal(SIGKILL), nil)) } == 1)
        #expect(count { $0.loads.ownEnds = [end(.code(70), nil)] } == 1)
    }

    @Test("Every kill has to meet a process, and one fault at least of each kind that was planned")
    func effects() {
        #expect(count { $0.effects[Self.kill] = 2 } == 1)
        #expect(count { $0.effects[Self.lostCommit] = 0 } == 1)
        #expect(count { $0.effects = [:] } == 2)
        #expect(count { $0.planned[FaultKind(.loader, LoadFault.Kind.killDuringRequest.rawValue)] = 1 } == 1)
    }

    @Test("The report has what took effect and who ended by itself")
    func report() {
        let table = RoundResult(right, folder: "").table
        #expect(table.contains("lost COMMIT 1 of 2") && table.contains("kill 3 of 3"))
        #expect(
            table.split(separator: "\n").contains { $0.hasPrefix("ended by themselves") && $0.contains("producer 1") })
    }
}
