import Logging
import Market
import Runtime

/// Takes frames off the socket into the spool, and knows what to do when there is no room. Used by the
/// socket's thread.
final class Intake {
    /// Whether the socket may be read.
    enum Flow {
        case open, blocked
    }

    private let publisher: Publisher
    private let metrics: ProducerMetrics
    private let logger: Logger
    private var ledger: GapLedger
    /// Whether the socket may be read. A frame that comes all the same was read together with the one that filled the
    /// spool, which has room for it; see ``Spool/Limits/headroomBytes``.
    private(set) var flow = Flow.open

    /// - Parameter lastReceived: when the spool got its last frame; nil when it is new.
    init(_ publisher: Publisher, lastReceived: UInt64?, _ metrics: ProducerMetrics, logger: Logger) {
        self.publisher = publisher
        self.metrics = metrics
        self.logger = logger
        ledger = GapLedger(lastReceived: lastReceived)
        if let full = publisher.spoolFull { block(full) }
    }

    func disconnected(orderly: Bool) { ledger.disconnected(orderlyAt: orderly ? microsecondsSince1970() : nil) }

    func stalled() { ledger.stalled() }

    func take(_ frame: UnsafeRawBufferPointer, _ key: Frame.Key) {
        let received = microsecondsSince1970()
        let before = ledger
        let gap = ledger.dataArrived(at: received)
        do throws(Spool.Full) {
            try publisher.publish(frame, key, receivedMicroseconds: received, gap: gap)
        } catch {
            return leaveOut(error, before)
        }
        if let gap { tell(gap, until: received) }
        if flow == .open, let full = publisher.spoolFull { block(full) }
    }

    /// Looks for room once more.
    ///
    /// - Returns: whether the socket may be read now.
    func retry() -> Flow {
        guard flow == .blocked else { return .open }
        publisher.makeRoom()
        if publisher.spoolFull == nil {
            flow = .open
            logger.info("the spool has room again")
            ledger.resumed()
        }
        return flow
    }

    private func block(_ full: Spool.Full) {
        flow = .blocked
        logger.error(full.message, metadata: full.metadata)
        ledger.paused()
    }

    /// No connection brings more than there is room for. If one did, the frame would be part of the gap.
    private func leaveOut(_ full: Spool.Full, _ before: GapLedger) {
        ledger = before
        metrics.framesLost.add()
        logger.error("a frame has no room in the spool, and is lost", metadata: full.metadata)
        if flow == .open { block(full) }
    }

    private func tell(_ gap: GapStart, until end: UInt64) {
        metrics.gapEnded(gap, at: end)
        logger.warning(
            "gap",
            metadata: [
                "gap.reason": "\(gap.reason.rawValue)", "gap.from": "\(gap.from)",
                "gap.milliseconds": "\((end - gap.from) / 1_000)",
            ])
    }
}

extension Spool.Full {
    /// What it is, and what to do about it.
    var message: Logger.Message {
        switch self {
        case .limit: "the spool is full: the socket waits. Bring Kafka back, or raise SPOOL_MAX_BYTES"
        case .disk(let error) where error.kind == .noRoom:
            "the spool's disk is full: the socket waits. Make room on it"
        case .disk: "the spool cannot be written: the socket waits, and it is tried again. The reason says what to mend"
        }
    }

    var metadata: Logger.Metadata {
        switch self {
        case .limit(let bytes): ["spool.max_bytes": "\(bytes)"]
        case .disk(let error): ["reason": "\(error)"]
        }
    }
}
