import Market
import Testing

@testable import Producer

@Suite("The gap ledger")
struct GapLedgerTests {
    @Test("A new spool has nothing to miss, however long the first connection takes")
    func new() {
        var ledger = GapLedger(lastReceived: nil)
        ledger.disconnected(orderlyAt: nil)
        ledger.stalled()
        #expect(ledger.dataArrived(at: 10) == nil)
        #expect(ledger.dataArrived(at: 11) == nil)
    }

    @Test("A restart is a gap from the last frame before it to the first one after it")
    func restart() {
        var ledger = GapLedger(lastReceived: 5)
        ledger.disconnected(orderlyAt: nil)
        #expect(ledger.dataArrived(at: 10) == GapStart(from: 5, reason: .restart))
        #expect(ledger.dataArrived(at: 11) == nil)
    }

    @Test("A lost connection is a gap from the last data, an orderly end is one from that end")
    func disconnect() {
        var ledger = GapLedger(lastReceived: nil)
        _ = ledger.dataArrived(at: 10)
        ledger.disconnected(orderlyAt: nil)
        ledger.disconnected(orderlyAt: 15)
        #expect(ledger.dataArrived(at: 20) == GapStart(from: 10, reason: .disconnect))
        ledger.disconnected(orderlyAt: 25)
        #expect(ledger.dataArrived(at: 30) == GapStart(from: 25, reason: .disconnect))
        #expect(ledger.dataArrived(at: 31) == nil)
    }

    @Test("A stall stays a stall over the reconnect that follows from it")
    func stall() {
        var ledger = GapLedger(lastReceived: nil)
        _ = ledger.dataArrived(at: 10)
        ledger.stalled()
        ledger.disconnected(orderlyAt: nil)
        #expect(ledger.dataArrived(at: 20) == GapStart(from: 10, reason: .stall))
    }

    @Test("A pause is a gap from the last frame that was on its way when it began")
    func pause() {
        var ledger = GapLedger(lastReceived: nil)
        _ = ledger.dataArrived(at: 10)
        ledger.paused()
        #expect(ledger.dataArrived(at: 11) == nil)
        ledger.disconnected(orderlyAt: nil)
        ledger.resumed()
        #expect(ledger.dataArrived(at: 20) == GapStart(from: 11, reason: .spoolFull))
    }

    @Test("A gap that ends while the socket is paused ends there, and the pause is the next one")
    func pauseInGap() {
        var ledger = GapLedger(lastReceived: 5)
        ledger.paused()
        #expect(ledger.dataArrived(at: 10) == GapStart(from: 5, reason: .restart))
        ledger.resumed()
        #expect(ledger.dataArrived(at: 20) == GapStart(from: 10, reason: .spoolFull))
    }

    @Test("A clock that was set back makes no gap that ends before it begins")
    func clock() {
        var ledger = GapLedger(lastReceived: 50)
        #expect(ledger.dataArrived(at: 10) == GapStart(from: 10, reason: .restart))
    }
}
