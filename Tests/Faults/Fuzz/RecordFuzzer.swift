import TestSupport

/// A record to write, and whether the consumer must drop it as one that came before.
struct FuzzedRecord {
    var key: String?
    var value: [UInt8]?
    var headers: [TopicWriter.Header] = []
    var isRepeat = false
}

/// Records around fuzzed frames: with the headers of producers that number them, with others that only
/// look so, or with none, and some of the numbered ones once more.
struct RecordFuzzer {
    private var random: SplitMix64
    private var frames: FrameFuzzer
    /// The last number of each producer.
    private var sequences = [UInt64](repeating: 0, count: 3)
    /// Numbered records that can be sent once more.
    private var numbered: [FuzzedRecord] = []
    private static let numberedLimit = 500

    init(seed: UInt64) {
        random = SplitMix64(seed: seed &+ 1)
        frames = FrameFuzzer(seed: seed)
    }

    mutating func next() -> FuzzedRecord {
        switch random.below(10) {
        case 0..<5: return FuzzedRecord(key: key(), value: frames.next())
        case 5..<8: return numberedRecord()
        case 8: return FuzzedRecord(key: key(), value: frames.next(), headers: oddHeaders())
        default:
            guard !numbered.isEmpty else { return numberedRecord() }
            var again = numbered[random.below(numbered.count)]
            again.isRepeat = true
            return again
        }
    }

    /// Its key says which partition it goes to, also when it is sent again.
    private mutating func numberedRecord() -> FuzzedRecord {
        let producer = random.below(sequences.count)
        sequences[producer] += UInt64(1 + random.below(3))
        let record = FuzzedRecord(
            key: "KRW-M\(random.below(50))", value: frames.next(),
            headers: [
                ("producer", "fuzz-\(producer)"), ("seq", "\(sequences[producer])"), ("received", "1767311880000000"),
            ])
        if numbered.count < Self.numberedLimit {
            numbered.append(record)
        } else {
            numbered[random.below(numbered.count)] = record
        }
        return record
    }

    private mutating func key() -> String? {
        switch random.below(8) {
        case 0: nil
        case 1: ""
        case 2: String(repeating: "k", count: random.below(2_000))
        case 3: "\u{0}\t\\\u{10FFFF}"
        default: "KRW-M\(random.below(50))"
        }
    }

    /// No such set tells which of a producer's records it is: none can be a repeat.
    private mutating func oddHeaders() -> [TopicWriter.Header] {
        let valid: [TopicWriter.Header] = [("producer", "other"), ("seq", "1"), ("received", "1")]
        switch random.below(9) {
        case 0...2:
            var headers = valid
            headers.remove(at: random.below(3))
            return headers
        case 3:
            return [
                valid[0], ("seq", ["", "-1", "+1", "0x1", "1 ", "99999999999999999999"][random.below(6)]), valid[2],
            ]
        case 4: return [valid[0], valid[1], ("received", ["", "now", "1.5"][random.below(3)])]
        case 5:
            return [
                ("producer", ["", "a\"b", "a\\b", "a\nb", "비트", String(repeating: "p", count: 256)][random.below(6)])
            ] + valid.dropFirst()
        case 6: return [("Producer", "fuzz-0"), ("SEQ", "1"), ("received", "1")]
        case 7: return (0..<random.below(50)).map { _ in ("trace", "x") }
        default: return [valid[0], valid[1], valid[2], ("seq", "x")]
        }
    }
}
