import Testing

@testable import Producer

@Suite("What a producer says is settled")
struct SettlementTests {
    private func record(_ sequence: UInt64, received: UInt64) -> SpoolRecord {
        SpoolRecord(
            sequence: sequence, receivedMicroseconds: received, gap: nil,
            frame: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Sends a record, and says what it tells.
    private func send(
        _ sequence: UInt64, received: UInt64, deliveredBelow: UInt64, _ settlement: inout Settlement
    ) -> UInt64? {
        let record = record(sequence, received: received)
        let told = settlement.told(by: record, deliveredBelow: deliveredBelow)
        settlement.sent(record, told: told)
        return told
    }

    @Test("A time is told once everything received until then is delivered, and not earlier")
    func delivered() {
        var settlement = Settlement()
        #expect(send(5, received: 1_000_000, deliveredBelow: 5, &settlement) == nil)
        #expect(send(6, received: 2_000_000, deliveredBelow: 5, &settlement) == nil)
        #expect(send(7, received: 3_000_000, deliveredBelow: 6, &settlement) == 1_000_000)
        // From here on 7 is waited for.
        #expect(send(8, received: 4_000_000, deliveredBelow: 7, &settlement) == nil)
        #expect(send(9, received: 5_000_000, deliveredBelow: 9, &settlement) == 3_000_000)
    }

    @Test("Behind a clock that was set back the earlier times are told, once what has them is delivered")
    func clockSetBack() {
        var settlement = Settlement()
        #expect(send(5, received: 9_000_000, deliveredBelow: 5, &settlement) == nil)
        #expect(send(6, received: 2_000_000, deliveredBelow: 6, &settlement) == nil)
        #expect(send(7, received: 9_500_000, deliveredBelow: 6, &settlement) == nil)
        #expect(send(8, received: 9_600_000, deliveredBelow: 7, &settlement) == 2_000_000)
    }

    @Test("Of frames that come quickly only some tell")
    func interval() {
        var settlement = Settlement()
        let told = (0..<1_000 as Range<UInt64>).compactMap {
            send($0 + 1, received: $0 * 1_000, deliveredBelow: $0 + 1, &settlement)
        }
        #expect(told == [0, 200_000, 400_000, 600_000])
    }

    @Test("A record that was not taken tells it when it is")
    func retried() {
        var settlement = Settlement()
        _ = send(1, received: 0, deliveredBelow: 1, &settlement)
        let record = record(2, received: 1_000_000)
        #expect(settlement.told(by: record, deliveredBelow: 2) == 0)
        #expect(settlement.told(by: record, deliveredBelow: 2) == 0)
    }
}
