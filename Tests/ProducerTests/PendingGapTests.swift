import Market
import Testing

@testable import Producer

@Suite("The gaps that wait for their topic")
struct PendingGapTests {
    private func gap(_ sequence: UInt64, from: UInt64 = 1) -> PendingGap {
        PendingGap(sequence: sequence, start: GapStart(from: from, reason: .stall), end: 5)
    }

    @Test("They are there for the next process, in their order, until they are told")
    func reopened() throws {
        let folder = try SpoolFolder()
        var spool: Spool? = try folder.open()
        for sequence in [9, 3, 7] as [UInt64] { _ = spool?.state.keep(gap(sequence)) }
        spool?.state.forget(7)
        spool = nil
        let next = try folder.open()
        #expect(next.state.pendingGaps == [gap(3), gap(9)])
        #expect(next.state.keep(gap(3, from: 2)) == nil)
        #expect(next.state.pendingGaps == [gap(3, from: 2), gap(9)])
    }

    @Test("Of too many the oldest makes room")
    func full() throws {
        let spool = try SpoolFolder().open()
        let count = UInt64(PendingGap.limit)
        for sequence in 1...count { #expect(spool.state.keep(gap(sequence)) == nil) }
        #expect(spool.state.keep(gap(count, from: 2)) == nil)
        #expect(spool.state.keep(gap(count + 1)) == gap(1))
        #expect(spool.state.pendingGaps.map(\.sequence) == Array(2...count + 1))
    }

    @Test("What a bad disk left there is no gap")
    func damaged() throws {
        let folder = try SpoolFolder()
        var spool: Spool? = try folder.open()
        for sequence in 1...3 as ClosedRange<UInt64> { _ = spool?.state.keep(gap(sequence)) }
        spool = nil
        try SpoolFolder.change("\(folder.path)/state") { bytes in
            bytes[1_024 + 24] = 0  // a reason that is none
            bytes[1_024 + 32 + 15] = 0xFF  // a beginning behind the end
        }
        let next = try folder.open()
        #expect(next.state.pendingGaps == [gap(3)])
        #expect(next.state.keep(gap(4)) == nil && next.state.pendingGaps == [gap(3), gap(4)])
    }
}
