import NIOCore

/// What is on its way in one direction of a connection, and when it may arrive. No socket, no clock.
struct ProxyLane {
    /// Nothing more comes in.
    var isEnded = false
    private(set) var heldBytes = 0
    private var held = CircularBuffer<(bytes: ByteBuffer, due: NIODeadline)>()
    /// When the line has carried all that was put onto it.
    private var freeAt = NIODeadline.uptimeNanoseconds(0)
    /// The last bytes that were looked at in vain: the beginning of a pattern can be among them.
    private var lookedAt: [UInt8] = []

    /// Everything arrived, and nothing more will.
    var isDrained: Bool { isEnded && held.isEmpty }

    var nextDue: NIODeadline? { held.first?.due }

    mutating func append(_ bytes: ByteBuffer, _ speed: FaultProxy.Speed, at now: NIODeadline) {
        heldBytes += bytes.readableBytes
        var rest = bytes
        // A twentieth of a second at a time, so that a slow line is slow and not jerky.
        let step = speed.bytesPerSecond.map { max($0 / 20, 1) } ?? rest.readableBytes
        while rest.readableBytes > 0, let part = rest.readSlice(length: min(step, rest.readableBytes)) {
            freeAt = max(now, freeAt)
            if let rate = speed.bytesPerSecond {
                freeAt = freeAt + .nanoseconds(Int64(part.readableBytes) * 1_000_000_000 / Int64(max(rate, 1)))
            }
            held.append((part, freeAt + TimeAmount(speed.latency)))
        }
    }

    /// The next bytes that are due; nil when there are none yet.
    mutating func next(at now: NIODeadline) -> ByteBuffer? {
        guard let first = held.first, first.due <= now else { return nil }
        heldBytes -= first.bytes.readableBytes
        return held.removeFirst().bytes
    }

    /// Where `pattern` begins in `bytes`; negative when its beginning came with earlier ones.
    mutating func find(_ pattern: [UInt8], in bytes: ByteBuffer) -> Int? {
        let text = lookedAt + bytes.readableBytesView
        if let range = text.firstRange(of: pattern) { return range.lowerBound - lookedAt.count }
        lookedAt = text.suffix(max(pattern.count - 1, 0))
        return nil
    }

    /// Another pattern is looked for from now on.
    mutating func forgetPattern() { lookedAt = [] }
}
