import CAllocationCounter
import Market
import TestSupport

/// Reading a frame, beside copying its bytes.
struct ParseBenchmark {
    private let bytes: [UInt8]
    private let ranges: [Range<Int>]
    private let rounds: Int

    /// How often all frames are read in a round.
    private static let passes = 500

    /// Takes the first frames of `session`, as many as stay in a processor's cache: they do on their way from
    /// the kernel's buffer, too.
    init(_ session: Session, rounds: Int) {
        var bytes: [UInt8] = []
        ranges = session.frames().prefix(1_000).map { frame in
            bytes.append(contentsOf: frame.bytes)
            return bytes.count - frame.bytes.count..<bytes.count
        }
        self.bytes = bytes
        self.rounds = rounds
    }

    func run() -> [Figure] {
        var (copies, keys, rows) = ([Double](), [Double](), [Double]())
        var allocations = 0.0
        for _ in 0..<max(1, rounds) {
            copies.append(measure(Self.copy).framesPerSecond)
            keys.append(measure(Self.key).framesPerSecond)
            let row = measure(Self.row)
            rows.append(row.framesPerSecond)
            allocations = max(allocations, row.allocationsPerFrame)
        }
        let limit = Figure.Limit(name: "memcpy", value: copies.best(.framesPerSecond))
        return [
            Figure(
                id: "parse.key", name: "frame, key only", value: keys.best(.framesPerSecond), unit: .framesPerSecond,
                limit: limit),
            Figure(
                id: "parse.row", name: "frame, full row", value: rows.best(.framesPerSecond), unit: .framesPerSecond,
                limit: limit, goal: .atLeast(1_500_000)),
            Figure(
                id: "parse.allocations", name: "frame, full row, allocations", value: allocations, unit: .allocations,
                goal: .atMost(0)),
        ]
    }

    private static func copy(_ frame: UnsafeRawBufferPointer) -> Int {
        withUnsafeTemporaryAllocation(byteCount: 1_024, alignment: 16) { target in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: frame.prefix(1_024)))
            return Int(target[frame.count & 511])
        }
    }

    private static func key(_ frame: UnsafeRawBufferPointer) -> Int {
        if case .data(let key) = Frame(frame) { return key.code?.count ?? 0 }
        return 0
    }

    private static func row(_ frame: UnsafeRawBufferPointer) -> Int { (try? Tick(parsing: frame))?.price.count ?? 0 }

    private func measure(
        _ work: (UnsafeRawBufferPointer) -> Int
    ) -> (framesPerSecond: Double, allocationsPerFrame: Double) {
        var checksum = 0
        let frames = Double(Self.passes * ranges.count)
        let allocationsBefore = allocation_count()
        let usedBefore = ProcessUsage.threadCPUSeconds()
        bytes.withUnsafeBytes { all in
            for _ in 0..<Self.passes {
                for range in ranges { checksum &+= work(UnsafeRawBufferPointer(rebasing: all[range])) }
            }
        }
        let used = ProcessUsage.threadCPUSeconds() - usedBefore
        let allocations = allocation_count() - allocationsBefore
        // The sum is used, so that the work cannot be left out.
        precondition(checksum > 0, "nothing was read")
        // A few belong to the measuring itself.
        return (frames / used, (Double(allocations) / frames * 1_000).rounded(.down) / 1_000)
    }
}
