import Testing

@testable import TestSupport

@Suite struct PartitionLogTests {
    /// A batch of format 2 as far as a broker looks into it.
    private func batch(records: Int32, producer: Int64 = -1, sequence: Int32 = -1, size: Int = 100) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        bytes[16] = 2
        func put(_ value: some FixedWidthInteger, _ position: Int) {
            withUnsafeBytes(of: value.bigEndian) { bytes.replaceSubrange(position..<position + $0.count, with: $0) }
        }
        put(records - 1, 23)
        put(producer, 43)
        put(sequence, 53)
        return bytes
    }

    @Test("Batches get offsets one behind the other, in their first eight bytes")
    func offsets() {
        var log = PartitionLog()
        #expect(log.append(batch(records: 3)[...], limitBytes: 1_000) == 0)
        #expect(log.append(batch(records: 300)[...], limitBytes: 1_000) == 3)
        #expect(log.high == 303)
        #expect(log.batches(from: 3, limitBytes: 1).first?.prefix(8) == [0, 0, 0, 0, 0, 0, 0, 3])
    }

    @Test("A fetch in the middle of a batch gets it whole, and as many more as fit")
    func fetch() {
        var log = PartitionLog()
        for _ in 0..<5 { _ = log.append(batch(records: 10)[...], limitBytes: 1_000) }
        #expect(log.batches(from: 15, limitBytes: 250).count == 2)
        #expect(log.batches(from: 15, limitBytes: 10).count == 1)
        #expect(log.batches(from: 15, limitBytes: 1_000).count == 4)
        #expect(log.batches(from: 50, limitBytes: 1_000).isEmpty)
    }

    @Test("Beyond its limit the oldest go first, and never the last")
    func limit() {
        var log = PartitionLog()
        for _ in 0..<10_000 { _ = log.append(batch(records: 1)[...], limitBytes: 250) }
        #expect((log.low, log.high) == (9_998, 10_000))
        #expect(log.batches(from: 9_998, limitBytes: 1_000).count == 2)
        _ = log.append(batch(records: 1, size: 900)[...], limitBytes: 250)
        #expect((log.low, log.high) == (10_000, 10_001))
    }

    @Test("A batch that a producer sends again is in the log once")
    func again() {
        var log = PartitionLog()
        #expect(log.append(batch(records: 3, producer: 7, sequence: 0)[...], limitBytes: 1_000) == 0)
        #expect(log.append(batch(records: 3, producer: 7, sequence: 0)[...], limitBytes: 1_000) == 0)
        #expect(log.append(batch(records: 3, producer: 7, sequence: 3)[...], limitBytes: 1_000) == 3)
        #expect(log.high == 6)
    }

    @Test("What is no batch is refused")
    func refused() {
        var log = PartitionLog()
        #expect(log.append([1, 2, 3], limitBytes: 1_000) == nil)
        #expect(log.append([UInt8](repeating: 0, count: 100)[...], limitBytes: 1_000) == nil)
    }
}
