/// A walk over a session that can go back to any frame that it has passed.
///
/// It remembers itself now and then, a few kilobytes each time, and goes forward from there: a frame
/// depends on the sums of all that were before it.
struct SessionWalk: Sendable {
    /// How many frames it has passed.
    private(set) var position = 0
    /// What the next frame is made of; nil at the end.
    private(set) var next: Trade?
    private(set) var encoder: TickerEncoder
    private var cursor: SessionCursor
    private var checkpoints: [Checkpoint] = []

    private struct Checkpoint {
        let cursor: SessionCursor
        let encoder: TickerEncoder
        let next: Trade?
    }

    private static let framesPerCheckpoint = 4_096

    init(_ session: Session) {
        encoder = TickerEncoder(markets: session.markets, start: session.start)
        cursor = session.cursor()
        next = cursor.next()
        checkpoints = [Checkpoint(cursor: cursor, encoder: encoder, next: next)]
    }

    /// Appends the next frame and passes it; does nothing at the end.
    mutating func encode(into bytes: inout [UInt8]) {
        guard let trade = next else { return }
        encoder.encode(trade, into: &bytes)
        next = cursor.next()
        position += 1
        if position == checkpoints.count * Self.framesPerCheckpoint {
            checkpoints.append(Checkpoint(cursor: cursor, encoder: encoder, next: next))
        }
    }

    /// Goes back so that `position` frames are passed; one that is not reached yet changes nothing.
    mutating func rewind(to position: Int) {
        guard position >= 0, position < self.position else { return }
        let checkpoint = checkpoints[position / Self.framesPerCheckpoint]
        (cursor, encoder, next) = (checkpoint.cursor, checkpoint.encoder, checkpoint.next)
        self.position = position - position % Self.framesPerCheckpoint
        var passed: [UInt8] = []
        while self.position < position {
            passed.removeAll(keepingCapacity: true)
            encode(into: &passed)
        }
    }
}
