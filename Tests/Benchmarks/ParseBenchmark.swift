import Market
import TestSupport

/// Reading a frame, beside copying its bytes.
struct ParseBenchmark {
    private let bytes: [UInt8]
    private let ranges: [Range<Int>]
    private static let rounds = 100

    /// Takes the first frames of `session`, as many as stay in a processor's cache no longer.
    init(_ session: Session) {
        var bytes: [UInt8] = []
        ranges = session.frames().prefix(20_000).map { frame in
            bytes.append(contentsOf: frame.bytes)
            return bytes.count - frame.bytes.count..<bytes.count
        }
        self.bytes = bytes
    }

    func run() -> [Figure] {
        let copy = framesPerSecond { frame in
            withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 16) { target in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: frame.prefix(4_096)))
                return Int(target[frame.count & 1023])
            }
        }
        let key = framesPerSecond { frame in
            if case .data(let key) = Frame(frame) { return key.code?.count ?? 0 }
            return 0
        }
        let row = framesPerSecond { frame in (try? Tick(parsing: frame))?.price.count ?? 0 }
        return [
            Figure(name: "frame, key only", value: key, unit: "frames/s", limit: ("memcpy", copy)),
            Figure(name: "frame, full row", value: row, unit: "frames/s", limit: ("memcpy", copy)),
        ]
    }

    private func framesPerSecond(_ work: (UnsafeRawBufferPointer) -> Int) -> Double {
        var checksum = 0
        let time = ContinuousClock().measure {
            bytes.withUnsafeBytes { all in
                for _ in 0..<Self.rounds {
                    for range in ranges { checksum &+= work(UnsafeRawBufferPointer(rebasing: all[range])) }
                }
            }
        }
        // The sum is used, so that the work cannot be left out.
        precondition(checksum > 0, "nothing was read")
        return Double(Self.rounds * ranges.count) / time.inSeconds
    }
}
