import TestSupport
import Testing

@testable import Producer

@Suite("The reader of segments")
struct SegmentScannerTests {
    private func scan(_ bytes: [UInt8], aligned words: [UInt64]) -> (records: [UInt64], damage: Int) {
        words.withUnsafeBytes { segment in
            var scanner = SegmentScanner(firstSequence: 1)
            var (records, damage): ([UInt64], Int) = ([], 0)
            while true {
                switch scanner.next(in: UnsafeRawBufferPointer(rebasing: segment[..<bytes.count])) {
                case .record(let record): records.append(record.sequence)
                case .damage(let count): damage += count
                case .end: return (records, damage)
                }
            }
        }
    }

    private func scan(_ bytes: [UInt8]) -> (records: [UInt64], damage: Int) {
        var words = [UInt64](repeating: 0, count: bytes.count / 8 + 1)
        words.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
        return scan(bytes, aligned: words)
    }

    private func segment(_ count: Int, using generator: inout SplitMix64) -> [UInt8] {
        var words = [UInt64](repeating: 0, count: 4_096)
        words.withUnsafeMutableBytes { memory in
            guard let base = memory.baseAddress else { return }
            var offset = SegmentHeader.bytes
            for sequence in 1...UInt64(count) {
                let frame = (0..<Int.random(in: 0..<300, using: &generator)).map { _ in
                    UInt8.random(in: .min ... .max, using: &generator)
                }
                frame.withUnsafeBytes {
                    SpoolRecord.write($0, sequence: sequence, receivedMicroseconds: 1, gap: nil, to: base + offset)
                }
                offset += SpoolRecord.size(frameBytes: frame.count)
            }
        }
        return words.withUnsafeBytes { Array($0) }
    }

    @Test("Any bytes at all are read without a crash, and none of them is a record", arguments: 0..<200)
    func noise(_ seed: UInt64) {
        print("seed \(seed)")
        var generator = SplitMix64(seed: seed)
        let size = Int.random(in: 0..<20_000, using: &generator)
        let range = UInt8.min...(seed.isMultiple(of: 2) ? .max : 3)
        #expect(scan((0..<size).map { _ in UInt8.random(in: range, using: &generator) }).records.isEmpty)
    }

    @Test("Wherever a segment is damaged, what is whole is found, in order and once", arguments: 0..<200)
    func damaged(_ seed: UInt64) {
        print("seed \(seed)")
        var generator = SplitMix64(seed: seed)
        var bytes = segment(80, using: &generator)
        #expect(scan(bytes) == (Array(1...80), 0))
        let start = Int.random(in: SegmentHeader.bytes..<8_000, using: &generator)
        let length = Int.random(in: 1..<2_000, using: &generator)
        let zeroes = Bool.random(using: &generator)
        for index in start..<start + length {
            bytes[index] = zeroes ? 0 : UInt8.random(in: .min ... .max, using: &generator)
        }
        let found = scan(bytes).records
        #expect(zip(found, found.dropFirst()).allSatisfy { $0 < $1 })
        // A record and its header are 40 to 344 bytes, so this many can be hit at most.
        #expect(found.count >= 80 - length / 40 - 2 && found.last == 80)
    }
}
